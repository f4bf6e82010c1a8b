"""The sliding window: cuts an image into overlapping windows and blends what a net says about each of them.

The two axes are planned apart from each other, because the windows stand on a grid and the blending weights are a
product. So the weights of all windows sum to exactly one at every pixel without a second canvas to divide by, a corner
that only one window sees keeps its full value, and no padded copy of the image is ever made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Blend = Literal["gaussian", "constant"]

_GAUSSIAN_WIDTH = 1 / 8  # standard deviation as a share of the window's side
_LEAST_WEIGHT = 1e-3  # of the peak, so that a border pixel is never a ratio of two vanishing numbers
_LEAST_CELLS = 2  # a net's coarsest map has at least 2x2 cells: instance normalisation cannot take one


@dataclass(frozen=True, slots=True)
class Axis:
    """How windows lie along one axis of an image.

    `size` is the image's extent, `window` the windows' side, both in pixels. `starts` are the windows' first pixels; a
    window that is larger than the image starts before it, at a negative pixel.
    """

    size: int
    window: int
    starts: tuple[int, ...]

    @classmethod
    def plan(cls, size: int, window: int, overlap: float, multiple: int, *, fixed: bool = False) -> Axis:
        """Windows that cover `size` pixels, evenly spaced, neighbours sharing at least `overlap` of a window.

        The side is `window` rounded up to a multiple of `multiple`. Unless it is `fixed` (for a net that takes one size
        only), it then shrinks to what as many windows need: no more of the image is computed twice than was asked for.
        """
        least = _LEAST_CELLS * multiple
        side = max(_round_up(window, multiple), least)
        gaps = math.ceil(max(0, size - side) / max(1, int(side * (1 - overlap))))
        if not fixed:
            needed = math.ceil(size / (1 + gaps * (1 - overlap)))
            side = min(side, max(_round_up(needed, multiple), least))
        if gaps == 0:
            return cls(size, side, (-((side - size) // 2),))
        return cls(size, side, tuple(round(index * (size - side) / gaps) for index in range(gaps + 1)))

    def pixels(self, start: int) -> NDArray[np.int64]:
        """The image's pixels under a window; beyond the border they are reflected (repeated, if there is but one)."""
        index = np.arange(start, start + self.window)
        if self.size == 1:
            return np.zeros_like(index)
        period = 2 * (self.size - 1)
        return (self.size - 1) - np.abs((index % period) - (self.size - 1))

    def inside(self, start: int) -> slice:
        """The part of the image that a window covers."""
        return slice(max(start, 0), min(start + self.window, self.size))

    def weights(self, blend: Blend) -> list[NDArray[np.float32]]:
        """Each window's share at the pixels that it covers; at every pixel the shares sum to one."""
        profile = _profile(self.window, blend)
        total = np.zeros(self.size)
        parts = []
        for start in self.starts:
            covered = self.inside(start)
            parts.append(profile[covered.start - start : covered.stop - start])
            total[covered] += parts[-1]
        shares = (part / total[self.inside(start)] for part, start in zip(parts, self.starts, strict=True))
        return [share.astype(np.float32) for share in shares]


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """The windows of one image: every row of `rows` with every column of `columns`."""

    rows: Axis
    columns: Axis

    @classmethod
    def plan(
        cls, height: int, width: int, window: tuple[int, int], overlap: float, multiple: int, *, fixed: bool = False
    ) -> WindowGrid:
        """Windows of (height, width) `window` for an image of `height` x `width` pixels; see `Axis.plan`."""
        return cls(
            Axis.plan(height, window[0], overlap, multiple, fixed=fixed),
            Axis.plan(width, window[1], overlap, multiple, fixed=fixed),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a window."""
        return self.rows.window, self.columns.window

    @property
    def count(self) -> int:
        """Number of windows."""
        return len(self.rows.starts) * len(self.columns.starts)

    def positions(self) -> Iterator[tuple[int, int]]:
        """(row, column) of every window on the grid, row by row."""
        for row in range(len(self.rows.starts)):
            for column in range(len(self.columns.starts)):
                yield row, column

    def cut(self, image: Tensor, position: tuple[int, int]) -> Tensor:
        """The window of `image` (C, H, W) at `position`, of any dtype; may be a view of the image."""
        top, left = self.rows.starts[position[0]], self.columns.starts[position[1]]
        return _take(_take(image, 1, self.rows, top), 2, self.columns, left)


class Mosaic:
    """The blended result of all windows of one image, (classes, H, W) float32, accumulated in place."""

    def __init__(self, grid: WindowGrid, classes: int, blend: Blend, device: torch.device) -> None:
        self.grid = grid
        self.canvas = torch.zeros((classes, grid.rows.size, grid.columns.size), device=device)
        self.missing = grid.count
        self._rows = [torch.from_numpy(weights).to(device) for weights in grid.rows.weights(blend)]
        self._columns = [torch.from_numpy(weights).to(device) for weights in grid.columns.weights(blend)]

    def add(self, position: tuple[int, int], result: Tensor) -> None:
        """Blends in the `result` (classes, h, w) for the window at `position`."""
        row, column = position
        rows, columns = self.grid.rows, self.grid.columns
        top, left = rows.starts[row], columns.starts[column]
        tall, wide = rows.inside(top), columns.inside(left)
        seen = result[:, tall.start - top : tall.stop - top, wide.start - left : wide.stop - left]
        weight = torch.outer(self._rows[row], self._columns[column])
        self.canvas[:, tall, wide].addcmul_(seen.to(self.canvas.dtype), weight)
        self.missing -= 1


@torch.no_grad()
def sliding_window(
    predict: Callable[[Tensor], Tensor],
    image: Tensor,
    classes: int,
    window: int | None = 512,
    overlap: float = 0.25,
    blend: Blend = "gaussian",
    batch: int = 1,
    multiple: int = 1,
    *,
    fixed: bool = False,
) -> Tensor:
    """Averages `predict` over overlapping windows of `image`.

    Args:
        predict: Takes windows (B, C, h, w) of the image's dtype and returns (B, classes, h, w), usually probabilities.
            The windows are copies: it may change them or return a view of them.
        image: (C, H, W) of any dtype on any device.
        classes: Number of maps that `predict` returns.
        window: Largest side of the windows in pixels; None makes one window of the whole image.
        overlap: Least share of a window that its neighbour covers too.
        blend: Weights of overlapping windows.
        batch: Most windows in one call of `predict`.
        multiple: What the sides of a window must be a multiple of (the net's stride).
        fixed: Pad an image that is smaller than the window, instead of shrinking the window.

    Returns:
        (classes, H, W) float32 on the image's device.
    """
    height, width = image.shape[1:]
    sides = (window, window) if window is not None else (height, width)
    grid = WindowGrid.plan(height, width, sides, overlap, multiple, fixed=fixed)
    mosaic = Mosaic(grid, classes, blend, image.device)
    positions = list(grid.positions())
    for first in range(0, len(positions), batch):
        chosen = positions[first : first + batch]
        results = predict(torch.stack([grid.cut(image, position) for position in chosen]))
        for position, result in zip(chosen, results, strict=True):
            mosaic.add(position, result)
    return mosaic.canvas


def _round_up(value: int, multiple: int) -> int:
    return math.ceil(value / multiple) * multiple


def _profile(side: int, blend: Blend) -> NDArray[np.float64]:
    if blend == "constant":
        return np.ones(side)
    distance = (np.arange(side) - (side - 1) / 2) / (_GAUSSIAN_WIDTH * side)
    profile: NDArray[np.float64] = np.maximum(np.exp(-0.5 * distance**2), _LEAST_WEIGHT)
    return profile


def _take(image: Tensor, dimension: int, axis: Axis, start: int) -> Tensor:
    if start >= 0 and start + axis.window <= axis.size:
        return image.narrow(dimension, start, axis.window)
    return image.index_select(dimension, torch.from_numpy(axis.pixels(start)).to(image.device))
