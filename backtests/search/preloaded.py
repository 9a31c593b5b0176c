"""Imported once by the process that workers are forked off: what each of them would otherwise load for itself."""

from __future__ import annotations

import numba  # noqa: F401

from backtests.search import workers  # noqa: F401
