"""How long a net takes for one pass."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

_WARM_UP = 2
_LEAST_RUNS = 5


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds for one pass: the median of `runs` passes; half of them took between `low` and `high`."""

    median: float
    low: float
    high: float
    runs: int


def measure_latency(net: nn.Module, shape: Sequence[int], device: torch.device, seconds: float = 1.0) -> Latency:
    """Times passes of a copy of `net`, in evaluation and float32, over random images of `shape` (B, C, H, W).

    A few passes warm up first, then passes are timed one by one for about `seconds`, at least five. On a GPU each is
    timed until its result is there, not only until it is ordered.
    """
    probe = copy.deepcopy(net).to(device).eval()
    # As the predictor does it: channels last is faster on CPUs and GPUs alike.
    image = torch.rand(tuple(shape), device=device).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        for _ in range(_WARM_UP):
            probe(image)
        _finish(device)
        times: list[float] = []
        end = time.perf_counter() + seconds
        while len(times) < _LEAST_RUNS or time.perf_counter() < end:
            began = time.perf_counter()
            probe(image)
            _finish(device)
            times.append(time.perf_counter() - began)
    low, median, high = np.percentile(times, (25, 50, 75))
    return Latency(float(median), float(low), float(high), len(times))


def _finish(device: torch.device) -> None:
    """Waits for everything that the device was told to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
