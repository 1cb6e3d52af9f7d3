"""Keep the memory of arrays that were dropped for the next arrays.

A step makes and drops many arrays of some 100 kB. By default the C library returns such blocks to the system and
requests them anew, page by page, each of which costs as much as some thousand multiplications. Only glibc is known to
do so; on other systems nothing is changed. No result depends on it.

The setting is for the whole process, so only a program that owns its process sets it: the command line, its worker
processes and the page. Without it, as in a notebook, a step of a hot or nodule tumor takes three times the page faults
and 0 to 25 % more processor time.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

__all__ = ["keep_freed_memory"]

# Parameters of mallopt(3) and values: blocks up to the largest allowed size come from the heap, and only what exceeds
# half a gigabyte at its end is given back.
_TRIM_THRESHOLD, _KEPT = -1, 512 * 2**20
_MMAP_THRESHOLD, _LARGEST = -3, 32 * 2**20


@cache
def keep_freed_memory() -> bool:
    """Ask the C library, once a process, to keep freed memory; return whether it does."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _KEPT)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST))
