"""TCP ports on the loopback address."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

from traderagent.embedded.home import StackError


class ReservedPort:
    """A port that is bound, so that nobody else is given it, until the process it is meant for takes it."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Raises ``OSError`` when ``port`` is taken; 0 takes any free one."""
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        # As servers do: a port whose last connections are still in TIME_WAIT counts as free.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]

    def release(self) -> None:
        self._socket.close()


def web_port(environ: Mapping[str, str]) -> ReservedPort:
    """The port that ``PORT`` (default 8000) and ``WEB_HOST`` (default 127.0.0.1) ask for.

    Raises ``StackError`` when it is no port or is taken.
    """
    value, host = environ.get("PORT") or "8000", environ.get("WEB_HOST") or "127.0.0.1"
    if not value.isdigit() or int(value) > 65535:
        raise StackError(f"PORT={value} is not a port: use a number from 1 to 65535, or 0 for any free one.")
    try:
        return ReservedPort(int(value), host)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StackError(
                f"PORT={value} is taken by another program: `PORT={_next(int(value))} make demo` uses another one, "
                "PORT=0 any free one."
            ) from error
        raise StackError(f"PORT={value} on {host} cannot be used: {error.strerror}.") from error


def _next(port: int) -> int:
    return port + 1 if port < 65535 else 8000
