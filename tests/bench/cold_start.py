"""What the first run of a process costs, before and after an earlier process has compiled it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from traderagent.embedded.home import PROJECT

# In a process of its own, so that nothing is loaded or compiled yet.
_FIRST = """
import time
begin = time.process_time()
from {module} import {function}
{function}()
print(time.process_time() - begin)
"""


def first_runs(module: str, function: str) -> Iterator[tuple[str, float]]:
    """In which of the two cases, and the seconds of processor time, imports included."""
    command = [sys.executable, "-c", _FIRST.format(module=module, function=function)]
    with tempfile.TemporaryDirectory(prefix="traderagent-bench-") as cache:
        environ = {**os.environ, "NUMBA_CACHE_DIR": cache}
        for what in ("nothing compiled yet", "compiled by an earlier process"):
            done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=True)
            yield what, float(done.stdout)
