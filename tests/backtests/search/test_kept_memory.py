"""What is given back and asked for again is not asked of the system, page by page."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from traderagent.embedded.home import PROJECT

# Forty arrays of a megabyte at a time, twenty times: 10,240 pages a time.
PROGRAM = """
import resource, sys
import numpy as np

match sys.argv[1]:
    case "kept":
        from backtests.search.kept_memory import keep_memory
        keep_memory()
    case "a worker's":
        from celery import signals
        from traderagent.celery import app
        app.loader.import_default_modules()
        signals.worker_process_init.send(sender=None)

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        arrays = [np.ones(1 << 17) for _ in range(40)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults())
"""


def page_faults(how: str) -> int:
    command = [sys.executable, "-c", PROGRAM, how]
    return int(subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc can be told")
def test_arrays_that_come_again_cost_no_pages() -> None:
    assert page_faults("given back") > 20 * 5_000
    assert page_faults("kept") < 100


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc can be told")
def test_nor_do_they_in_a_worker_that_runs_chunks_of_studies() -> None:
    assert page_faults("a worker's") < 100
