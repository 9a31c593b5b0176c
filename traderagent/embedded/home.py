"""The folder a stack lives in: its data, its secrets, what it is doing now, and the lock that keeps it alone there."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

PROJECT = Path(__file__).resolve().parent.parent.parent


class StackError(Exception):
    """Something the person at the terminal can mend; its text is the whole message."""


class AlreadyRunning(StackError):
    """Another supervisor holds this home."""


@dataclass(frozen=True)
class ChildRecord:
    """A process as the operating system knows it: the pid alone may have been given to another one since."""

    pid: int
    created: float


@dataclass
class StackRecord:
    """What a running supervisor tells others about itself."""

    pid: int
    url: str = ""
    ready: bool = False
    children: dict[str, ChildRecord] = field(default_factory=dict)


@dataclass(frozen=True)
class Home:
    """The paths below one home."""

    root: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Home:
        return cls(Path(environ.get("TRADERAGENT_HOME") or PROJECT / ".traderagent").expanduser().resolve())

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def simulator(self) -> Path:
        return self.root / "simulator"

    @property
    def static(self) -> Path:
        """Where ``STATIC_ROOT`` is unless it is set."""
        return self.root / "static"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def environment(self) -> Path:
        return self.root / "env"

    @property
    def record(self) -> Path:
        return self.root / "stack.json"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    def create(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        # Root's PostgreSQL runs as another user, who must be able to pass.
        self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def lock(self) -> TextIO:
        """The exclusive lock, held for as long as the returned file is open.

        Raises ``AlreadyRunning`` with the pid and the address of the holder.
        """
        self.create()
        file = self.lock_file.open("a+")
        # Whoever only asks whether the stack runs holds a shared lock for an instant.
        for attempt in range(5):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return file
            except BlockingIOError:
                if attempt < 4:
                    time.sleep(0.05)
        file.close()
        record = self.read_record()
        who = f"pid {record.pid}" if record else "its process is just starting"
        where = f", {record.url}" if record and record.url else ""
        mend = f"Stop it with Ctrl-C in its terminal or `kill {record.pid}`" if record else "Wait for it"
        raise AlreadyRunning(
            f"The stack in {self.root} is running already ({who}{where}). {mend}, "
            "or set TRADERAGENT_HOME and PORT to run a second one."
        )

    def is_running(self) -> bool:
        """Whether a supervisor holds this home now."""
        try:
            file = self.lock_file.open("r")
        except OSError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def read_record(self) -> StackRecord | None:
        try:
            data = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        children = {name: ChildRecord(**child) for name, child in data.pop("children").items()}
        return StackRecord(**data, children=children)

    def write_record(self, record: StackRecord) -> None:
        write_private(self.record, json.dumps(asdict(record), indent=1))


def write_private(path: Path, text: str) -> None:
    """Replaces the file at once, readable by its owner only from its first byte on."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
