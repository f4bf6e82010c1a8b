"""Randomness without a state: every draw follows from the seed, its purpose and its place in the training.

So a training that goes on after an interruption draws exactly what it would have drawn, and nothing has to be saved.
"""

from __future__ import annotations

from enum import IntEnum
from zlib import crc32

import numpy as np


class Purpose(IntEnum):
    """What random numbers are drawn for; two purposes never share a stream."""

    WEIGHTS = 1
    FIXED_PATCHES = 2
    EPOCH = 3
    AUGMENTATION = 4
    NOISE = 5
    DROPOUT = 6


def generator(seed: int, purpose: Purpose, *place: int) -> np.random.Generator:
    """A generator for one purpose at one place, for example (epoch, step)."""
    return np.random.default_rng([seed, int(purpose), *place])


def torch_seed(seed: int, purpose: Purpose, *place: int) -> int:
    """A seed for torch's own generators, 0 to 2**63 - 1."""
    state = np.random.SeedSequence([seed, int(purpose), *place]).generate_state(1, np.uint64)
    return int(state[0] >> 1)


def number_of(name: str) -> int:
    """A number that stands for a photograph's id, the same on every machine."""
    return crc32(name.encode("utf-8", "surrogateescape"))
