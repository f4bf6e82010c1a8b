"""Two masks of one image side by side, with what several metrics of shape share computed once."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from retseg.core.types import BoolArray, Float32Array
from retseg.imaging.fov import fov_box, fov_diameter
from retseg.imaging.vessels import boundary, local_calibre, nearest_distance, skeleton

A = TypeVar("A", bound=NDArray[Any])


class Shapes:
    """A predicted and a true mask, cut to the pixels that count and to the box around the field of view.

    `predicted`, `truth` and `counted` are boolean arrays (h, w) of the box; `counted` holds the pixels that count, and
    both masks lie within it. Everything else is computed when it is first asked for and then kept.

    Args:
        predicted: The positive pixels of the prediction, (H, W).
        truth: The positive pixels of the truth, (H, W).
        fov: The field of view, (H, W). It gives the box and the diameter.
        counted: The pixels of the field of view that count, (H, W); all of them if not given.
    """

    def __init__(
        self, predicted: BoolArray, truth: BoolArray, fov: BoolArray, counted: BoolArray | None = None
    ) -> None:
        for name, array in (("prediction", predicted), ("truth", truth), ("counted pixels", counted)):
            if array is not None and (array.shape != fov.shape or array.ndim != 2):
                raise ValueError(f"{name} {array.shape} and field of view {fov.shape} differ in shape")
        self._fov = fov
        self._box = fov_box(fov) if fov.any() else (0, 0, 0, 0)
        inside = self.cut(fov)
        self.counted: BoolArray = inside if counted is None else inside & self.cut(counted)
        self.predicted: BoolArray = self.cut(predicted) & self.counted
        self.truth: BoolArray = self.cut(truth) & self.counted

    def cut(self, values: A) -> A:
        """An array of the whole image (H, W) cut to the box around the field of view (h, w)."""
        top, left, height, width = self._box
        return values[top : top + height, left : left + width]  # type: ignore[return-value]

    @property
    def empty(self) -> bool:
        """Whether no pixel counts, so that nothing is defined."""
        return not self.counted.any()

    @cached_property
    def diameter(self) -> float:
        """Diameter of the field of view in pixels, as `imaging.fov.fov_diameter` measures it; NaN without one."""
        return fov_diameter(self._fov) if self._fov.any() else math.nan

    @cached_property
    def predicted_skeleton(self) -> BoolArray:
        """The prediction's centrelines (h, w)."""
        return skeleton(self.predicted)

    @cached_property
    def truth_skeleton(self) -> BoolArray:
        """The truth's centrelines (h, w)."""
        return skeleton(self.truth)

    @cached_property
    def truth_calibre(self) -> Float32Array:
        """How wide the true vessel is at each of its pixels, in pixels (h, w); 0 elsewhere."""
        return local_calibre(self.truth, self.truth_skeleton, self.counted)

    @cached_property
    def false_calibre(self) -> Float32Array:
        """How wide the predicted vessel is at each false pixel, in pixels (h, w); 0 elsewhere."""
        return local_calibre(self.predicted, self.predicted_skeleton, self.counted, ~self.truth)

    @cached_property
    def boundary_distances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """From each boundary pixel of the prediction to the truth's boundary, and the other way, in pixels.

        Distances are between pixels' centres; infinity where the other mask has no boundary. What a boundary is, says
        `imaging.vessels.boundary`.
        """
        predicted = np.argwhere(boundary(self.predicted, self.counted))
        truth = np.argwhere(boundary(self.truth, self.counted))
        return nearest_distance(predicted, truth), nearest_distance(truth, predicted)
