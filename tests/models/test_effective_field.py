from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from retseg.core.errors import InputError
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.models.effective_field import effective_field


def convolution(*weights: list[list[float]], channels: int = 1) -> nn.Conv2d:
    """A convolution that pads, has no bias, and one class for each kernel given."""
    kernels = torch.tensor(weights)
    size = kernels.shape[1:]
    net = nn.Conv2d(channels, len(kernels), tuple(size), padding=(size[0] // 2, size[1] // 2), bias=False)
    net.weight.data = kernels[:, None].repeat(1, channels, 1, 1)
    return net


BOX = [[1.0] * 3] * 3


def test_one_box_is_a_flat_square() -> None:
    field = effective_field(convolution(BOX), torch.rand(1, 12, 16))
    assert field.centre == (6, 8)
    expected = np.zeros((12, 16))
    expected[5:8, 7:10] = 1 / 9
    np.testing.assert_allclose(field.heat, expected, atol=1e-7)
    assert [field.side_holding(share) for share in (0.1, 0.12, 0.5, 1.0)] == [1, 3, 3, 3]


def test_two_boxes_are_a_pyramid() -> None:
    # By hand: 1 2 3 2 1 along each axis, of 9; the inner 3x3 holds (7/9)^2 = 0.605 of it.
    field = effective_field(nn.Sequential(convolution(BOX), convolution(BOX)), torch.rand(1, 11, 11))
    line = np.array([1, 2, 3, 2, 1]) / 9
    np.testing.assert_allclose(field.heat[3:8, 3:8], np.outer(line, line), atol=1e-7)
    assert [field.side_holding(share) for share in (1 / 9, 0.12, 0.604, 0.606, 0.95)] == [1, 3, 3, 5, 5]


def test_mirrored_views_ask_for_the_same_pixel() -> None:
    # It looks two to the right only, so in mirror images two to the left; half of the views are mirrored.
    field = effective_field(convolution([[0, 0, 0, 0, 1.0]]), torch.rand(1, 8, 10))
    assert field.heat[4].tolist() == [0, 0, 0, 0.5, 0, 0, 0, 0.5, 0, 0]
    assert field.heat.sum() == 1


def test_classes_and_channels_do_not_cancel() -> None:
    # Opposite signs in two classes, of weights 3 and 1, in two channels each.
    net = convolution([[0, 3.0, 0]], [[-1.0, 0, 0]], channels=2)
    net.weight.data[:, 1] *= -1
    field = effective_field(net, torch.rand(2, 7, 7))
    np.testing.assert_allclose(field.heat[3, 2:5], [0.125, 0.75, 0.125])


def test_agrees_with_finite_differences() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 2, 3, padding=1)).double()
    image = torch.rand(2, 6, 8, dtype=torch.float64)
    expected = torch.zeros(6, 8, dtype=torch.float64)
    for axes in ((), (1,), (2,), (1, 2)):
        view = image.flip(axes)
        row, column = 2 if 1 in axes else 3, 3 if 2 in axes else 4
        seen = torch.zeros(6, 8, dtype=torch.float64)
        for index in np.ndindex(2, 6, 8):
            nudged = [view.clone(), view.clone()]
            nudged[0][index] += 1e-5
            nudged[1][index] -= 1e-5
            with torch.no_grad():
                high, low = (net(one[None])[0, :, row, column] for one in nudged)
            seen[index[1:]] += ((high - low) / 2e-5).abs().sum()
        expected += seen.flip([axis - 1 for axis in axes])
    np.testing.assert_allclose(effective_field(net, image).heat, (expected / expected.sum()).numpy(), atol=1e-8)


def test_stays_inside_the_theoretical_field() -> None:
    # One halving: by hand, two 3x3 below, one pooling, two 3x3 in the middle and two above see 20 rows.
    torch.manual_seed(1)
    net = build(ModelConfig(options={"depth": 1, "width": 4}), 3, 3)
    field = effective_field(net, torch.rand(3, 48, 48))
    full = field.side_holding(1.0)
    assert full is not None
    assert 11 <= full <= 21


def test_a_coarser_map_is_asked_at_its_own_middle() -> None:
    # Its pixel 2 of 4 pools the input's pixels 4 and 5; the middle of those is counted as 5.
    field = effective_field(nn.AvgPool2d(2), torch.rand(1, 8, 8))
    assert field.centre == (5, 5)
    assert field.heat[4:6, 4:6].sum() > 0


class Constant(nn.Module):
    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"classes": torch.zeros_like(image)}


def test_a_net_that_does_not_look_has_no_field() -> None:
    field = effective_field(Constant(), torch.rand(1, 4, 4))
    assert field.side_holding(0.5) is None
    assert not field.heat.any()


def test_no_map_no_field() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 30))
    with pytest.raises(InputError, match="this one returns 1 x 30"):
        effective_field(net, torch.rand(1, 4, 4))


def test_the_net_and_the_image_are_left_untouched() -> None:
    net = build(ModelConfig(options={"depth": 1, "width": 4}), 3, 3).train()
    image = torch.rand(3, 16, 16)
    before, pixels = {name: tensor.clone() for name, tensor in net.state_dict().items()}, image.clone()
    effective_field(net, image)
    assert net.training
    assert torch.equal(image, pixels)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
