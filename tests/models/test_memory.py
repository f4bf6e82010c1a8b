from __future__ import annotations

import pytest
import torch
from torch import nn

from retseg.models.memory import LiveMemory

KILOBYTE = 1024


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_counts_what_is_alive_at_once(device: str) -> None:
    start = torch.zeros(KILOBYTE, dtype=torch.uint8, device=device)
    with LiveMemory([start]) as memory:
        first = start + 1
        second = first + 1
        assert memory.peak == 2 * KILOBYTE
        del first
        third = second + 1
        assert memory.peak == 2 * KILOBYTE, "the first was gone before the third came"
        fourth = third + 1
        assert memory.peak == 3 * KILOBYTE
    del second, third, fourth


def test_views_and_in_place_work_take_no_memory() -> None:
    start = torch.zeros(16, 16)
    with LiveMemory([start]) as memory:
        view = start.view(256)[3:9]
        view.add_(1)
    assert memory.peak == 0


def test_training_keeps_what_the_gradient_needs() -> None:
    net = nn.Sequential(*(layer for _ in range(8) for layer in (nn.Linear(64, 64, bias=False), nn.Sigmoid())))
    batch = torch.zeros(256, 64)
    activation, weight = 256 * 64 * 4, 64 * 64 * 4
    with torch.no_grad(), LiveMemory([batch, *net.parameters()]) as inference:
        net(batch)
    with LiveMemory([batch, *net.parameters()]) as training:
        net(batch).sum().backward()
    assert inference.peak == 2 * activation
    assert training.peak >= 8 * activation + weight
    assert training.peak < 20 * activation
