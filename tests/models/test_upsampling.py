from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.models.receptive_field import receptive_field
from retseg.models.upsampling import (
    Enlarging,
    PoolWithIndices,
    Unpool,
    bed_of_nails,
    bilinear_kernel,
    bilinear_transposed,
    convolution_matrix,
    convolved_size,
    enlarge,
    full_precision,
    transposed_size,
)


def image(rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows)[None, None]


ONE_TO_FOUR = image([[1.0, 2.0], [3.0, 4.0]])


def test_pooling_and_unpooling_give_the_lectures_numbers() -> None:
    given = image([[1.0, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]])
    pooled, indices = PoolWithIndices()(given)
    assert pooled[0, 0].tolist() == [[5, 6], [7, 8]]
    assert indices[0, 0].tolist() == [[5, 2], [12, 15]]
    unpooled = Unpool()(ONE_TO_FOUR, indices)
    assert unpooled[0, 0].tolist() == [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]


def test_bilinear_gives_the_lectures_numbers() -> None:
    layer = enlarge(1, 1, "bilinear")
    layer.narrow.weight.data.fill_(1.0)
    layer.narrow.bias.data.zero_()
    assert layer(ONE_TO_FOUR)[0, 0].tolist() == [
        [1, 1.25, 1.75, 2],
        [1.5, 1.75, 2.25, 2.5],
        [2.5, 2.75, 3.25, 3.5],
        [3, 3.25, 3.75, 4],
    ]


def test_bed_of_nails_gives_the_lectures_numbers() -> None:
    nails = bed_of_nails(ONE_TO_FOUR, 2)
    assert nails[0, 0].tolist() == [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("factor", [1, 2, 3, 5])
def test_bed_of_nails_loses_nothing_and_adds_nothing(factor: int) -> None:
    features = torch.rand(2, 3, 4, 5)
    nails = bed_of_nails(features, factor)
    assert nails.shape == (2, 3, 4 * factor, 5 * factor)
    assert torch.equal(nails[:, :, ::factor, ::factor], features)
    torch.testing.assert_close(nails.sum(), features.sum())


@pytest.mark.parametrize("how", get_args(Enlarging))
def test_every_method_doubles(how: Enlarging) -> None:
    layer = enlarge(6, 4, how)
    features = torch.rand(2, 6, 5, 3)
    result = layer(features)
    assert result.shape == (2, 4, 10, 6)
    result.square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in layer.parameters())


@pytest.mark.parametrize("how", ["nearest", "bilinear", "bicubic"])
def test_narrowing_first_gives_the_same_as_narrowing_afterwards(how: Enlarging) -> None:
    layer, features = enlarge(6, 4, how), torch.rand(2, 6, 5, 3)
    afterwards = layer.narrow(F.interpolate(features, scale_factor=2, mode=how))
    torch.testing.assert_close(layer(features), afterwards, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("factor", [2, 3, 4, 8, 32])
def test_transposed_convolution_begins_as_bilinear_interpolation(factor: int) -> None:
    features = torch.rand(2, 3, 6, 7)
    layer = bilinear_transposed(3, 3, factor)
    result = layer(features)
    expected = F.interpolate(features, scale_factor=factor, mode="bilinear")
    assert result.shape == expected.shape
    inside = (..., slice(factor, -factor), slice(factor, -factor))
    torch.testing.assert_close(result[inside], expected[inside], atol=1e-6, rtol=1e-5)
    assert torch.equal(layer.weight, bilinear_kernel(3, factor))
    assert layer.weight.requires_grad


def test_bilinear_kernel_of_factor_two_by_hand() -> None:
    weight = bilinear_kernel(2, 2)
    assert weight.shape == (2, 2, 4, 4)
    tent = torch.tensor([0.25, 0.75, 0.75, 0.25])
    assert torch.equal(weight[0, 0], tent[:, None] * tent)
    assert torch.equal(weight[1, 1], weight[0, 0])
    assert not weight[0, 1].any()
    assert not weight[1, 0].any()


@pytest.mark.parametrize(("in_channels", "out_channels"), [(3, 2), (2, 3)])
def test_transposed_convolution_between_different_numbers_of_channels(in_channels: int, out_channels: int) -> None:
    result = bilinear_transposed(in_channels, out_channels, 2)(torch.ones(1, in_channels, 4, 4))
    assert result.shape == (1, out_channels, 8, 8)
    inside = result[0, :, 2:-2, 2:-2]
    assert torch.equal(inside[:2], torch.ones(2, 4, 4))
    assert not inside[2:].any()


def test_convolution_is_a_4x16_matrix_and_transposed_convolution_its_transpose() -> None:
    torch.manual_seed(0)
    kernel, large, small = torch.rand(3, 3), torch.rand(4, 4), torch.rand(2, 2)
    matrix = convolution_matrix(kernel, 4, 4)
    assert matrix.shape == (4, 16)
    convolved = F.conv2d(large[None, None], kernel[None, None])[0, 0]
    torch.testing.assert_close((matrix @ large.flatten()).view(2, 2), convolved)
    transposed = F.conv_transpose2d(small[None, None], kernel[None, None])[0, 0]
    torch.testing.assert_close((matrix.T @ small.flatten()).view(4, 4), transposed)


def test_first_row_of_the_matrix_as_taught() -> None:
    kernel = torch.arange(1.0, 10.0).view(3, 3)
    matrix = convolution_matrix(kernel, 4, 4)
    assert matrix[0].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    assert matrix[3].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9]


@pytest.mark.parametrize(("height", "width", "kernel_size"), [(5, 7, (2, 3)), (3, 6, (3, 1)), (4, 4, (4, 4))])
def test_matrix_of_other_sizes(height: int, width: int, kernel_size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    kernel, large = torch.rand(kernel_size), torch.rand(height, width)
    expected = F.conv2d(large[None, None], kernel[None, None]).flatten()
    torch.testing.assert_close(convolution_matrix(kernel, height, width) @ large.flatten(), expected)


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_output_sizes_are_torchs(stride: int) -> None:
    for size, kernel, padding, dilation in product((1, 6, 7, 16), (1, 2, 3, 5), (0, 1, 2), (1, 2, 3)):
        line = torch.zeros(1, 1, size)
        if size + 2 * padding >= dilation * (kernel - 1) + 1:
            given = F.conv1d(line, torch.zeros(1, 1, kernel), None, stride, padding, dilation).shape[-1]
            assert convolved_size(size, kernel, stride, padding, dilation) == given
        for output_padding in range(max(stride, dilation)):
            expected = transposed_size(size, kernel, stride, padding, output_padding, dilation)
            if expected >= 1:
                weight = torch.zeros(1, 1, kernel)
                shape = F.conv_transpose1d(line, weight, None, stride, padding, output_padding, 1, dilation).shape
                assert expected == shape[-1], (size, kernel, stride, padding, output_padding, dilation)


def test_transposed_size_undoes_convolved_size() -> None:
    for size, kernel, stride in product(range(8, 20), (2, 3, 4), (1, 2, 3)):
        small = convolved_size(size, kernel, stride, padding=1)
        lost = (size + 2 - kernel) % stride
        assert transposed_size(small, kernel, stride, padding=1, output_padding=lost) == size


def test_full_precision_holds_inside_only() -> None:
    layer, features = nn.Conv2d(1, 1, 3), torch.rand(1, 1, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        with full_precision(features.device):
            assert layer(features).dtype == torch.float32
        assert layer(features).dtype == torch.bfloat16
    with full_precision(features.device):
        assert layer(features).dtype == torch.float32
    with full_precision(torch.device("meta")):
        pass


def test_rounding_would_move_pixels_and_full_precision_does_not() -> None:
    torch.manual_seed(0)
    layer, pool = nn.Conv2d(1, 8, 3, padding=1), PoolWithIndices()
    nearly_flat = 1 + 1e-4 * torch.rand(1, 1, 32, 32)
    indices = pool(layer(nearly_flat))[1]
    with torch.autocast("cpu", torch.bfloat16):
        assert not torch.equal(pool(layer(nearly_flat))[1], indices)
        with full_precision(nearly_flat.device):
            assert torch.equal(pool(layer(nearly_flat))[1], indices)


def test_unpooling_takes_values_of_reduced_precision() -> None:
    _, indices = PoolWithIndices()(torch.rand(1, 2, 4, 4))
    values = torch.rand(1, 2, 2, 2)
    rough = Unpool()(values.bfloat16(), indices)
    assert torch.equal(rough, Unpool()(values, indices).bfloat16())


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([nn.Conv2d(1, 2, 5, padding=2), nn.ReLU(), nn.Conv2d(2, 1, 5, padding=2)], 9),
        ([nn.Conv2d(2, 2, 3, padding=1) for _ in range(6)], 1 + 2 * 6),
        ([nn.Conv2d(1, 1, 3, padding=2, dilation=2)], 5),
    ],
)
def test_receptive_fields_as_taught(layers: list[nn.Module], expected: int) -> None:
    first = layers[0]
    assert isinstance(first, nn.Conv2d)
    assert receptive_field(nn.Sequential(*layers), first.in_channels) == (expected, expected)


@pytest.mark.parametrize(("how", "coarse"), [("transposed", 1), ("nearest", 1), ("bed-of-nails", 2), ("bilinear", 2)])
def test_pixels_see_one_coarse_cell_or_its_neighbour_too(how: Enlarging, coarse: int) -> None:
    net = nn.Sequential(nn.MaxPool2d(2), enlarge(3, 2, how))
    # Under a bed of nails three pixels of four see nothing, which the convolution behind it mends.
    if how == "bed-of-nails":
        net.append(nn.Conv2d(2, 2, 3, padding=1))
    assert receptive_field(net, 3, multiple=2) == (2 * coarse, 2 * coarse)
