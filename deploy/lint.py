"""Runs every check, two at a time, and prints the output of those that fail only."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from traderagent.embedded.secrets import random_secrets  # noqa: E402

BIN = Path(sys.executable).parent
MANAGE = [sys.executable, "-W", "ignore::RuntimeWarning", "manage.py"]
CHECKS: dict[str, list[str]] = {
    "mypy": [str(BIN / "mypy")],
    "ruff check": [str(BIN / "ruff"), "check", "--quiet"],
    "ruff format": [str(BIN / "ruff"), "format", "--check", "--quiet"],
    "import-linter": [str(BIN / "lint-imports")],
    # Without a database: it only compares the models with the migration files, and warns of nothing else.
    "migrations": [*MANAGE, "makemigrations", "--check", "--dry-run"],
    "production settings": [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"],
}


def production_environment() -> dict[str, str]:
    """Settings as a deployment has them, with secrets made up on the spot and services that do not exist."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TRADERAGENT_", "SIMULATOR_"))}
    made_up = random_secrets()
    return {
        **inherited,
        "SECRET_KEY": made_up["SECRET_KEY"],
        "FIELD_ENCRYPTION_KEY": made_up["FIELD_ENCRYPTION_KEY"],
        "DATABASE_URL": "postgresql://traderagent@127.0.0.1:1/traderagent",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ALLOWED_HOSTS": "traderagent.example",
        "CSRF_TRUSTED_ORIGINS": "https://traderagent.example",
        "TRADERAGENT_EMBEDDED": "0",
        "DEBUG": "0",
        "DJANGO_SETTINGS_MODULE": "traderagent.settings",
    }


@dataclass
class Result:
    name: str
    code: int
    output: str
    seconds: float


def run(name: str, command: list[str], environ: dict[str, str]) -> Result:
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=PROJECT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return Result(name, done.returncode, done.stdout, time.monotonic() - began)


def main() -> int:
    environ = production_environment()
    failed = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = [pool.submit(run, name, command, environ) for name, command in CHECKS.items()]
        for result in (future.result() for future in runs):
            print(f"{result.name:<20} {'ok' if result.code == 0 else 'FAILED'} ({result.seconds:.1f} s)", flush=True)
            if result.code != 0:
                failed += 1
                print(result.output.rstrip(), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
