from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.models.basic import BASIC, Basic, BasicOptions
from retseg.models.convolutions import Activation, Normalisation
from retseg.models.receptive_field import receptive_field
from retseg.models.upsampling import Upsampling


@pytest.mark.parametrize("upsampling", get_args(Upsampling))
@pytest.mark.parametrize("normalisation", get_args(Normalisation))
def test_every_combination_trains(upsampling: Upsampling, normalisation: Normalisation) -> None:
    options = BasicOptions(widths=(8, 16, 24), upsampling=upsampling, normalisation=normalisation)
    net = Basic(3, 5, options).train()
    logits = net(torch.rand(2, 3, 16, 24))
    assert logits.shape == (2, 5, 16, 24)
    logits.square().mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name
        assert parameter.ndim < 2 or bool(parameter.grad.abs().sum() > 0), name


@pytest.mark.parametrize("upsampling", get_args(Upsampling))
def test_learns_with_every_upsampling(upsampling: Upsampling) -> None:
    torch.manual_seed(0)
    image = F.interpolate(torch.rand(1, 3, 8, 8), scale_factor=4)
    target = (image.mean(1) > 0.5).long()
    net = Basic(3, 2, BasicOptions(upsampling=upsampling)).train()
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(15):
        loss = F.cross_entropy(net(image), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.4 * losses[0]


@pytest.mark.parametrize("activation", get_args(Activation))
def test_no_activation_leaves_a_dead_net(activation: Activation) -> None:
    torch.manual_seed(0)
    net = Basic(3, 2, BasicOptions(activation=activation, normalisation="none"))
    with torch.no_grad():
        spread = net(torch.rand(2, 3, 32, 32)).std((0, 2, 3))
    assert bool((spread > 1e-3).all()), "different pixels get different answers"


def test_nothing_finer_than_a_cell_crosses() -> None:
    """Without a connection across, two images whose 4x4 cells pool to the same look the same."""
    torch.manual_seed(0)
    net = Basic(1, 2, BasicOptions(normalisation="none", upsampling="nearest", initialisation="default")).eval()
    for level in net.down:
        level.convolution.weight.data.zero_()
        level.convolution.weight.data[:, :, 1, 1] = 1.0  # each convolution only hands its pixel on
    image = torch.rand(1, 1, 16, 16)
    turned = image.unflatten(3, (4, 4)).flip(4).flatten(3)  # the four pixels of every cell's rows in reverse order
    with torch.no_grad():
        torch.testing.assert_close(net(turned), net(image))


def test_parameters_by_hand() -> None:
    options = BasicOptions(widths=(2, 4, 8), normalisation="none")

    def level(source: int, width: int) -> int:
        return 9 * source * width + width

    transposed = (4 * 8 * 4 + 4) + (4 * 4 * 2 + 2)
    expected = level(3, 2) + level(2, 4) + level(4, 8) + transposed + level(4, 4) + level(2, 2) + 3 * (2 + 1)
    assert sum(p.numel() for p in Basic(3, 3, options).parameters()) == expected


def test_sees_26_pixels() -> None:
    # Down: 3, pooled 4, 3x3 at half 8, pooled 10, 3x3 at a quarter 18. Up: 3x3 at half, at worst a cell further on
    # either side, reaches one quarter cell more (22), and 3x3 at full resolution one more (26).
    assert receptive_field(Basic(3, 2, BasicOptions()), 3, multiple=4) == (26, 26)


@pytest.mark.parametrize("upsampling", get_args(Upsampling))
def test_mixed_precision_moves_nothing(upsampling: Upsampling) -> None:
    torch.manual_seed(1)
    net = Basic(3, 3, BasicOptions(upsampling=upsampling)).eval()
    flat = torch.rand(1, 3, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    image = flat + 1e-4 * torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        exact = net(image)
        with torch.autocast("cpu", torch.bfloat16):
            rough = net(image)
    assert rough.dtype == torch.bfloat16
    assert float((rough.float().softmax(1) - exact.softmax(1)).abs().max()) < 0.02


@pytest.mark.parametrize("upsampling", ["unpool", "bed-of-nails", "bicubic"])
def test_can_be_exported(upsampling: Upsampling) -> None:
    net = Basic(3, 2, BasicOptions(upsampling=upsampling)).eval()
    image = torch.rand(2, 3, 16, 16)
    program = torch.export.export(net, (image,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    more = torch.rand(3, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(program.module()(more), net(more), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("normalisation", get_args(Normalisation))
def test_takes_its_smallest_image(normalisation: Normalisation) -> None:
    options = BasicOptions(normalisation=normalisation, widths=(8, 8, 8))
    side = BASIC.stride(options)
    assert Basic(3, 2, options).eval()(torch.rand(1, 3, side, side)).shape == (1, 2, side, side)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"upsampling": "cubic"}, "upsampling"),
        ({"widths": [8, 8]}, "widths"),
        ({"normalisation": "group", "groups": 3}, "one of 1, 2, 4, 8, 16, not 3"),
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(BasicOptions, wrong)
