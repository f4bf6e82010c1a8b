from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor, nn

from retseg.models.latency import measure_latency

CPU = torch.device("cpu")


class Sleeper(nn.Module):
    """Takes a known time, and longer in training."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def forward(self, image: Tensor) -> Tensor:
        time.sleep(self.seconds * (10 if self.training else 1))
        return image


def test_measures_the_time_of_one_pass() -> None:
    latency = measure_latency(Sleeper(0.01).train(), (1, 3, 4, 4), CPU, seconds=0.1)
    assert 0.01 <= latency.low <= latency.median <= latency.high
    assert latency.median < 0.1, "evaluation, not training"
    assert 5 <= latency.runs <= 10


def test_a_slow_net_is_still_run_a_few_times() -> None:
    assert measure_latency(Sleeper(0.005), (1, 3, 4, 4), CPU, seconds=0).runs == 5


def test_the_net_is_left_untouched() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)).train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    measure_latency(net, (1, 3, 8, 8), CPU, seconds=0)
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_waits_until_a_gpu_has_finished() -> None:
    # Far more arithmetic than any GPU does in a millisecond; ordering it takes microseconds.
    net = nn.Sequential(*(nn.Conv2d(512, 512, 3, padding=1) for _ in range(8)))
    latency = measure_latency(net, (1, 512, 512, 512), torch.device("cuda"), seconds=0.2)
    assert latency.median > 0.01
