"""Workers that start at once: a process that has everything imported and forks a Celery worker when told to.

Lines of JSON come in and go out. What it forks is what runs in production, ``celery worker -P threads``; the only
difference is that, if asked to, it stops at one phase of one operation and waits there for its fate.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any


def _import_everything() -> None:
    """What a worker would import at its start and at its first task."""
    import django

    django.setup()
    import traderagent.celery  # noqa: F401


def _work(spec: dict[str, Any]) -> None:
    from tests.reliability.crash.ambush import Ambush
    from traderagent.celery import app

    log = os.open(spec["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    ambush = spec.get("ambush")
    if ambush:
        Ambush(**ambush).lay()
    name = f"crash-{os.getpid()}@%h"
    flags = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["--quiet", "worker", "-Q", "ticks", "-P", "threads", "-c", "2", "-n", name, *flags])


def _manage(arguments: list[str]) -> dict[str, Any]:
    from django.core.management import call_command

    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            call_command(*arguments, stdout=output, stderr=output)
    except Exception as error:
        return {"code": 1, "output": f"{output.getvalue()}{type(error).__name__}: {error}"}
    return {"code": 0, "output": output.getvalue()}


def _forked(run: Callable[[], Any]) -> int:
    """In a child process: a worker, or a command as ``manage.py`` would run it."""
    pid = os.fork()
    if pid:
        return pid
    code = 0
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        run()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        code = 1
    finally:
        os._exit(code)


def main() -> None:
    _import_everything()
    print(json.dumps({"ready": os.getpid()}), flush=True)
    for line in sys.stdin:
        spec = json.loads(line)
        if spec["do"] == "work":
            answer: dict[str, Any] = {"pid": _forked(partial(_work, spec))}
        elif spec["do"] == "manage":
            read, write = os.pipe()

            def manage(spec: dict[str, Any] = spec, write: int = write) -> None:
                os.write(write, json.dumps(_manage(spec["arguments"])).encode())

            pid = _forked(manage)
            os.close(write)
            with os.fdopen(read) as pipe:
                said = pipe.read()
            os.waitpid(pid, 0)
            answer = json.loads(said)
        else:
            ended, _ = os.waitpid(spec["pid"], 0 if spec["do"] == "wait" else os.WNOHANG)
            answer = {"ended": bool(ended)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
