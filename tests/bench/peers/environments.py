"""A virtual environment for each peer, made once in the home and kept while its requirements are the same."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from traderagent.embedded.home import PROJECT

HERE = Path(__file__).parent
SCRIPTS = HERE / "scripts"
HOME = PROJECT / ".traderagent" / "peers"
# One per file requirements-NAME.txt: what they need of NumPy and others contradicts.
NAMES = ("backtesting", "vectorbt", "nautilus", "jesse", "freqtrade", "hftbacktest", "indicators")


class NotInstalled(RuntimeError):
    """A peer's environment could not be made; ``str()`` says why."""


def python_of(name: str) -> Path:
    """The interpreter of a peer's environment, which is made when it is not there. Raises :class:`NotInstalled`."""
    wanted = HERE / f"requirements-{name}.txt"
    folder = HOME / name
    mark, digest = folder / "installed", hashlib.sha256(wanted.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if mark.exists() and mark.read_text() == digest:
        return python
    print(f"Installing {name} …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)])
    mark.write_text(digest)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise NotInstalled(errors[0] if errors else f"{command[0]} ended with {done.returncode}")
