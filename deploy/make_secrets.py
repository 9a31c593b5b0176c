"""``python deploy/make_secrets.py [FOLDER]``: the secrets that docker-compose.yml names, at random, kept if there."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path


def make(folder: Path) -> list[Path]:
    """Writes the files that are missing and returns them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made: list[Path] = []

    def keep(name: str, value: str) -> str:
        path = folder / name
        if path.exists():
            return path.read_text().strip()
        # Readable by the containers' users, who are not the owner; the folder is closed to everybody else here.
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as file:
            file.write(value)
        made.append(path)
        return value

    keep("secret_key", secrets.token_urlsafe(50))
    keep("field_encryption_key", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    postgres = keep("postgres_password", secrets.token_hex(24))
    redis = keep("redis_password", secrets.token_hex(24))
    keep("database_url", f"postgresql://traderagent:{postgres}@postgres:5432/traderagent")
    keep("redis_url", f"redis://:{redis}@redis:6379/0")
    return made


if __name__ == "__main__":
    for path in make(Path(sys.argv[1] if len(sys.argv) > 1 else "secrets")):
        print(path)
