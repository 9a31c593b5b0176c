"""Candles that studies have mapped are removed when no study needs them any more, whoever ended and however."""

from __future__ import annotations

import time
from collections.abc import Iterable

import structlog

from backtests.jobs import files
from backtests.jobs.leases import lease_length
from backtests.models import ACTIVE, Study
from backtests.search import scratch

log = structlog.get_logger(__name__)


def drop_candles_of(studies: Iterable[Study]) -> None:
    """Of studies that are over: what no other one maps. One that is just beginning with the same candles writes them again
    when it does not find them."""
    ended = {name for study in studies for name in study.data.values() if name}
    for name in ended - _needed():
        files.drop_candles(name)


def sweep() -> None:
    """Whatever a killed worker left: mapped candles below ``BACKTESTS_DIR``, and this machine's temporary folders."""
    before = time.time() - lease_length().total_seconds()
    needed = _needed()
    # Young ones may be of a study that is being prepared.
    left = [name for name in files.candles_older_than(before) if name not in needed]
    for name in left:
        files.drop_candles(name)
    swept = scratch.sweep()
    if left or swept:
        log.info("what killed processes left is removed", candles=left, folders=[str(folder) for folder in swept])


def _needed() -> set[str]:
    active = Study.objects.filter(status__in=ACTIVE).values_list("data", flat=True)
    return {name for data in active for name in data.values() if name}
