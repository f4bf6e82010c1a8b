"""Sharing out photographs among processes, because each takes a core some tenths of a second to some seconds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_WORTHWHILE = 3_000_000
"""Pixels. Starting processes takes longer than drawing fewer than this."""
_MOST_AT_ONCE = 40_000_000
"""Pixels in work at a time, of which each takes about 120 bytes of memory."""


def each(work: Callable[[T], R], tasks: Sequence[T], pixels: int) -> Iterator[R]:
    """The results of `work` on every task as they come, in any order. `pixels` is the size of one photograph."""
    count = min(os.cpu_count() or 1, len(tasks), max(1, _MOST_AT_ONCE // max(pixels, 1)))
    if count < 2 or pixels * len(tasks) < _WORTHWHILE:
        yield from map(work, tasks)
        return
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=count, return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
    yield from pool(delayed(work)(task) for task in tasks)
