"""``python -m traderagent.embedded.alive NAME``: exits 0 when that process is alive, for a container's health check.

The web server is asked over HTTP. The others leave signs of life in Redis, which expire when they stop turning.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Mapping

from redis import Redis, RedisError

from traderagent.embedded.home import StackError
from traderagent.embedded.processes import find
from traderagent.environment import names, text

_PATIENCE_SECONDS = 3


def problem(name: str, environ: Mapping[str, str]) -> str:
    """What is wrong with the process; empty when it is alive. Raises ``StackError`` for an unknown name."""
    return _web(environ) if find(name).name == "web" else _sign_of_life(name)


def _web(environ: Mapping[str, str]) -> str:
    url = f"http://127.0.0.1:{environ.get('PORT') or '8000'}/health/live"
    # Django answers for the host names it is known by only.
    hosts = [host.lstrip(".") for host in names("ALLOWED_HOSTS") if host != "*"]
    request = urllib.request.Request(url, headers={"Host": hosts[0]} if hosts else {})
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS):  # noqa: S310
            return ""
    except OSError as error:
        return f"{url} does not answer: {error}"


def _sign_of_life(name: str) -> str:
    try:
        with Redis.from_url(text("REDIS_URL"), socket_timeout=_PATIENCE_SECONDS) as redis:
            return "" if redis.exists(f"heartbeat:{name}") else f"{name} has not given a sign of life lately."
    except RedisError as error:
        return f"Redis does not answer: {error}"


if __name__ == "__main__":
    try:
        found = problem(sys.argv[1] if len(sys.argv) == 2 else "", os.environ)
    except StackError as error:
        found = str(error)
    sys.exit(found or None)
