"""Memory that a trial has given back is kept for the next one."""

from __future__ import annotations

import ctypes
from typing import Final

# Of glibc's malloc.h. A block of up to 32 MB, the most that glibc allows, comes from the heap, and of the heap's end up to
# 256 MB stay when they are free.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGEST_BLOCK: Final = 32 << 20
_MOST_KEPT: Final = 256 << 20


def keep_memory() -> None:
    """From now on, in this process.

    Every trial makes and drops arrays of the same sizes. What malloc gives back to the system comes again page by page,
    each cleared first, and processes wait for one another there: two workers did hardly more than one (`make bench
    ARGS=optimise`). Other C libraries than glibc are left as they are.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)
        set_option(_M_TRIM_THRESHOLD, _MOST_KEPT)
