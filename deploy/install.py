"""Makes .venv and installs the pinned requirements into it, once: ``python deploy/install.py runtime|dev|browser``.

Runs on any Python 3.11 with nothing installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
FILES = {
    "runtime": ["requirements.txt"],
    "dev": ["requirements.txt", "requirements-dev.txt"],
}
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
MAC_BROWSERS = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]


def install(what: str) -> None:
    """Does nothing when exactly these requirements are installed already."""
    files = [PROJECT / name for name in FILES[what]]
    # Two terminals may start on a fresh clone at the same moment.
    with files[0].open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = VENV / f".installed-{what}"
        digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
        if stamp.is_file() and stamp.read_text() == digest and _runs(PYTHON):
            return
        if not _runs(PYTHON):
            print(f"Making {VENV.name} with Python {sys.version.split()[0]} …", flush=True)
            if VENV.exists():
                shutil.rmtree(VENV)
            subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        _pip(files[-1], sum(len(_pins(file)) for file in files))
        stamp.write_text(digest)
        if what == "dev":
            runtime = hashlib.sha256(files[0].read_bytes()).hexdigest()
            (VENV / ".installed-runtime").write_text(runtime)


def _runs(python: Path) -> bool:
    return python.exists() and subprocess.run([str(python), "-c", ""], capture_output=True).returncode == 0


def _pins(file: Path) -> list[str]:
    return re.findall(r"^[A-Za-z0-9]\S*==\S+", file.read_text(), re.M)


def _pip(requirements: Path, packages: int) -> None:
    began = time.monotonic()
    print(f"Installing {packages} packages from {requirements.name}; this takes a minute or two, once.", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "-r", str(requirements)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT)
    assert process.stdout is not None
    tail: deque[str] = deque(maxlen=40)
    seen = 0
    for line in process.stdout:
        tail.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            seen += 1
            _progress(f"  {min(seen, packages)} of {packages} found", last=False, every=20, count=seen)
        elif line.startswith(("Building wheel", "Installing collected packages")):
            _progress(f"  {line.split(':')[0].strip().lower()} …", last=True)
    if process.wait() != 0:
        sys.exit("".join(tail) + f"\npip could not install {requirements.name}; the lines above say why.")
    print(f"  installed in {time.monotonic() - began:.0f} s.", flush=True)


def _progress(text: str, *, last: bool, every: int = 1, count: int = 0) -> None:
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="\n" if last else "", flush=True)
    elif last or count % every == 0:
        print(text, flush=True)


def find_browser() -> str | None:
    """The Chromium or Chrome that the browser tests drive: ``$CHROMIUM``, or the first one found."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = (shutil.which(name) for name in BROWSERS)
    return next((path for path in found if path), next((path for path in MAC_BROWSERS if Path(path).exists()), None))


def ensure_browser() -> None:
    if find_browser():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests …", flush=True)
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "-y", "install", "chromium"]):
            result = subprocess.run(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if result.returncode != 0:
                print(f"{' '.join(command)} failed:\n{result.stdout[-2000:]}", file=sys.stderr)
                break
    if not find_browser():
        print(
            "No Chromium or Chrome was found, so the browser tests will be skipped. "
            "Install one, or name its program in CHROMIUM.",
            flush=True,
        )


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if argument == "browser":
            ensure_browser()
        elif argument in FILES:
            install(argument)
        else:
            sys.exit(f"{argument!r} is not one of runtime, dev, browser.")
