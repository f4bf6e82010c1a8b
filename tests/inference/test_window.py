from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.inferers import sliding_window_inference
from torch import Tensor, nn

from retseg.inference.window import Axis, WindowGrid, sliding_window

BLENDS = st.sampled_from(["gaussian", "constant"])
ANY_WINDOWS = {
    "height": st.integers(1, 90),
    "width": st.integers(1, 90),
    "window": st.integers(1, 64),
    "overlap": st.floats(0, 0.9),
    "blend": BLENDS,
    "batch": st.integers(1, 7),
    "multiple": st.sampled_from([1, 2, 4, 16]),
    "fixed": st.booleans(),
}


def noise(channels: int, height: int, width: int) -> Tensor:
    return torch.rand((channels, height, width), generator=torch.Generator().manual_seed(height * 997 + width))


@given(**ANY_WINDOWS)
@settings(max_examples=80, deadline=None)
def test_a_constant_model_comes_back_exactly(height, width, window, overlap, blend, batch, multiple, fixed):
    values = torch.tensor([0.25, 0.7, 0.05])

    def constant(windows: Tensor) -> Tensor:
        assert len(windows) <= batch
        assert windows.shape[2] % multiple == windows.shape[3] % multiple == 0
        return values.view(1, 3, 1, 1).expand(len(windows), 3, *windows.shape[2:])

    image = noise(3, height, width)
    result = sliding_window(constant, image, 3, window, overlap, blend, batch, multiple, fixed=fixed)
    assert result.shape == (3, height, width)
    torch.testing.assert_close(result, values.view(3, 1, 1).expand_as(result), atol=1e-5, rtol=0)


@given(**ANY_WINDOWS)
@settings(max_examples=80, deadline=None)
def test_a_linear_model_comes_back_exactly(height, width, window, overlap, blend, batch, multiple, fixed):
    torch.manual_seed(1)
    linear = nn.Conv2d(3, 2, kernel_size=1)
    image = noise(3, height, width)
    result = sliding_window(linear, image, 2, window, overlap, blend, batch, multiple, fixed=fixed)
    torch.testing.assert_close(result, linear(image[None])[0].detach(), atol=1e-5, rtol=0)


@given(st.integers(1, 4000), st.integers(16, 700), st.floats(0, 0.9), st.sampled_from([1, 8, 32]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_windows_cover_every_pixel_with_the_overlap_asked_for(size, window, overlap, multiple, fixed):
    axis = Axis.plan(size, window, overlap, multiple, fixed=fixed)
    assert axis.window % multiple == 0
    assert axis.starts[0] <= 0
    assert axis.starts[-1] + axis.window >= size
    steps = np.diff(axis.starts)
    assert (steps > 0).all()
    # Starts are whole pixels, so a step may be up to a pixel longer than the exact share.
    assert (steps <= max(1, axis.window * (1 - overlap)) + 1).all()
    assert (steps <= axis.window).all()
    largest = max(-(-window // multiple), 2) * multiple
    assert axis.window == largest if fixed else axis.window <= largest


@given(st.integers(1, 300), st.integers(16, 64), st.floats(0, 0.9), BLENDS)
@settings(max_examples=60, deadline=None)
def test_shares_sum_to_one_everywhere_and_never_vanish(size, window, overlap, blend):
    axis = Axis.plan(size, window, overlap, 1)
    total = np.zeros(size)
    for start, share in zip(axis.starts, axis.weights(blend), strict=True):
        assert share.min() > 0
        total[axis.inside(start)] += share
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_a_corner_that_one_window_sees_has_its_full_value():
    grid = WindowGrid.plan(100, 100, (64, 64), 0.25, 1)
    for axis in (grid.rows, grid.columns):
        first, last = axis.weights("gaussian")[0], axis.weights("gaussian")[-1]
        assert first[0] == 1
        assert last[-1] == 1


def test_the_window_shrinks_to_what_the_image_needs():
    assert Axis.plan(33, 512, 0.25, 16).window == 48
    assert Axis.plan(33, 512, 0.25, 16, fixed=True).window == 512
    # Two windows of 512 would cover far more than 584 pixels.
    axis = Axis.plan(584, 512, 0.25, 16)
    assert (axis.window, axis.starts) == (336, (0, 248))


def test_beyond_the_border_the_image_is_reflected():
    for size, window in [(10, 16), (5, 32), (2, 9)]:
        axis = Axis.plan(size, window, 0.0, 1, fixed=True)
        before = -axis.starts[0]
        expected = np.pad(np.arange(size), (before, window - size - before), mode="reflect")
        np.testing.assert_array_equal(axis.pixels(axis.starts[0]), expected)


def test_a_single_pixel_is_repeated():
    assert set(Axis.plan(1, 16, 0.0, 1, fixed=True).pixels(-7)) == {0}


def test_agrees_with_monai_where_both_place_the_same_windows():
    torch.manual_seed(2)
    net = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1)).eval()
    image = noise(3, 64, 96)
    with torch.no_grad():
        expected = sliding_window_inference(image[None], (32, 32), 3, net, overlap=0.5, mode="constant")[0]
    torch.testing.assert_close(sliding_window(net, image, 2, 32, 0.5, "constant", 3), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(40, 40), (8, 100)])
def test_a_model_that_returns_or_changes_its_input_leaves_the_image_alone(size):
    image = noise(3, *size)
    kept = image.clone()
    result = sliding_window(lambda windows: windows, image, 3, 16, 0.5, "gaussian", 2)
    torch.testing.assert_close(result, kept, atol=1e-6, rtol=0)
    sliding_window(lambda windows: windows.mul_(2), image, 3, 16, 0.5, "gaussian", 2)
    torch.testing.assert_close(image, kept, atol=0, rtol=0)


def test_windows_keep_the_image_s_own_dtype_until_the_model_sees_them():
    image = torch.arange(300, dtype=torch.uint8).view(3, 10, 10)
    seen = []

    def scaled(windows: Tensor) -> Tensor:
        seen.append(windows.dtype)
        return windows.float() / 255

    result = sliding_window(scaled, image, 3, 4, 0.25, "gaussian", 3)
    assert set(seen) == {torch.uint8}
    torch.testing.assert_close(result, image.float() / 255, atol=1e-6, rtol=0)


def test_one_window_of_the_whole_image():
    shapes = []

    def model(windows: Tensor) -> Tensor:
        shapes.append(tuple(windows.shape))
        return windows

    image = noise(1, 70, 45)
    torch.testing.assert_close(sliding_window(model, image, 1, None, multiple=16), image, atol=1e-6, rtol=0)
    assert shapes == [(1, 1, 80, 48)]
