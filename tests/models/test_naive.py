from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.models.config import ModelConfig
from retseg.models.convolutions import Activation, Initialisation, Normalisation
from retseg.models.naive import NAIVE, Naive, NaiveOptions
from retseg.models.receptive_field import receptive_field
from retseg.models.summary import ModelSummary, summarise_model


def summary(arch: str, side: int) -> ModelSummary:
    return summarise_model(ModelConfig(arch=arch), 3, 3, side, side)


def test_memory_is_what_it_costs_and_not_parameters() -> None:
    naive, unet = summary("naive", 128), summary("unet", 128)
    assert unet.parameters > 50 * naive.parameters
    assert naive.activation_bytes > 0.5 * unet.activation_bytes
    # Bytes that stay in memory for each parameter: what the lecture warns of.
    assert naive.activation_bytes / naive.parameters > 30 * unet.activation_bytes / unet.parameters


def test_memory_grows_with_the_pixels_and_the_filters() -> None:
    small, large = summary("naive", 64), summary("naive", 256)
    assert large.activation_bytes == 16 * small.activation_bytes
    assert large.parameters == small.parameters
    # Four bytes for every pixel, filter and layer: convolution and normalisation; the activation works in place.
    assert small.activation_bytes == 4 * 64 * 64 * (2 * (8 + 16 + 32 + 64) + 3)
    assert large.activation_bytes / 256**2 * 1000**2 == pytest.approx(0.97e9, rel=0.01), "as its card says"


def test_resolution_never_changes() -> None:
    rows = summary("naive", 64).rows
    assert all(row.output_shape[2:] == (64, 64) for row in rows)
    widths = [row.output_shape[1] for row in rows if row.type == "Conv2d"]
    assert widths == [8, 16, 32, 64, 3]


def test_is_a_chain_of_convolutions() -> None:
    torch.manual_seed(0)
    net, image = Naive(3, 2, NaiveOptions(widths=(4, 6), normalisation="none", kernel=5)), torch.rand(2, 3, 9, 7)
    first, second = (block.convolution for block in net.layers)
    features = F.relu(F.conv2d(image, first.weight, first.bias, padding=2))
    features = F.relu(F.conv2d(features, second.weight, second.bias, padding=2))
    expected = F.conv2d(features, net.classify.weight, net.classify.bias)
    torch.testing.assert_close(net(image), expected)


@pytest.mark.parametrize(("layers", "kernel"), [(1, 3), (4, 3), (2, 5), (3, 1)])
def test_each_layer_adds_a_kernel_less_one_pixel(layers: int, kernel: int) -> None:
    options = NaiveOptions(widths=(4,) * layers, kernel=kernel)
    assert receptive_field(Naive(3, 2, options), 3) == (1 + layers * (kernel - 1),) * 2


@pytest.mark.parametrize("activation", get_args(Activation))
@pytest.mark.parametrize("normalisation", ["batch", "none"])
def test_no_activation_leaves_a_dead_net(activation: Activation, normalisation: Normalisation) -> None:
    torch.manual_seed(0)
    net = Naive(3, 3, NaiveOptions(widths=(8, 8), activation=activation, normalisation=normalisation)).train()
    image = torch.rand(1, 3, 16, 16)
    target = (image.mean(1) > 0.5).long() + (image[:, 0] > 0.8)
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-2)
    losses = []
    for _ in range(40):
        loss = F.cross_entropy(net(image), target)
        optimiser.zero_grad()
        loss.backward()
        assert all(bool(p.grad.abs().sum() > 0) for p in net.parameters() if p.ndim >= 2 and p.grad is not None)
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("how", get_args(Initialisation))
def test_every_initialisation_gives_finite_gradients(how: Initialisation) -> None:
    net = Naive(3, 3, NaiveOptions(initialisation=how)).train()
    net(torch.rand(2, 3, 16, 16)).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in net.parameters())


@pytest.mark.parametrize("normalisation", get_args(Normalisation))
def test_takes_its_smallest_image(normalisation: Normalisation) -> None:
    options = NaiveOptions(normalisation=normalisation)
    side = NAIVE.stride(options)
    net: nn.Module = Naive(3, 2, options).eval()
    assert net(torch.rand(1, 3, side, side)).shape == (1, 2, side, side)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kernel": 4}, "no middle: 3 or 5, not 4"),
        ({"widths": []}, "widths"),
        ({"widths": [0]}, "widths"),
        ({"normalisation": "group", "widths": [8, 12]}, "one of 1, 2, 3, 4, 6, 12, not 8"),
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(NaiveOptions, wrong)
