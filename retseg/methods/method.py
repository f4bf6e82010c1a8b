"""What a training-free method is: its parameters, what is searched when it is tuned, and its function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from retseg.core.config import Section, validate
from retseg.core.errors import ConfigError, ImageError
from retseg.core.types import BoolArray, Classes, Float32Array, UInt8Array
from retseg.imaging.geometry import Geometry

Fitted = Mapping[str, NDArray[Any]]
"""Arrays that a method has learnt, by name."""


Sigmas = Annotated[tuple[Annotated[float, Field(gt=0.2, le=50)], ...], Field(min_length=1, max_length=12)]
"""Deviations in pixels of Gaussians: the scales at which a filter looks."""


class MethodParameters(Section):
    """Parameters that every method has.

    Attributes:
        diameter: Pixels of the field of view on the grid that the method works on, so that lengths in pixels mean the
            same in every camera; null keeps native resolution.
    """

    diameter: int | None = Field(600, ge=32, le=8192)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A labelled photograph to learn from: (H, W, 3) uint8, its (H, W) field of view and (H, W) class indices."""

    image: UInt8Array
    fov: BoolArray
    labels: UInt8Array


@dataclass(frozen=True, slots=True)
class Method:
    """A segmentation method that needs no training by gradients.

    Attributes:
        name: What it is asked for by.
        title: Its name as people write it.
        about: What it does, in a sentence or two.
        citation: Who published it.
        parameters: Its parameters; their defaults are the published values where there are any.
        function: Gets (image, field of view, parameters, fitted arrays or None), all on the working grid, and returns
            the score of the positive class (H, W) float32 in 0..1: 0.5 and more is likely positive. It uses no pixel
            outside the field of view, and its scale is the same in every photograph. With `every_class` it returns
            the probabilities of all classes (classes, H, W) instead.
        grid: The parameters to search when it is tuned, with the values to try.
        binary: It only says yes or no: scores are 0 or 1.
        every_class: It needs no positive class, and works for any class table.
        fit: What one photograph adds to the fitted arrays; those of all photographs are summed. None where nothing
            is learnt from labels.
        version: Changes when the method's code changes its results.
    """

    name: str
    title: str
    about: str
    citation: str
    parameters: type[MethodParameters]
    function: Callable[[UInt8Array, BoolArray, Any, Fitted | None], Float32Array]
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    binary: bool = False
    every_class: bool = False
    fit: Callable[[Example, Classes, Any], Fitted] | None = None
    version: int = 1

    def options(self, values: Mapping[str, Any]) -> MethodParameters:
        """The method's parameters with these values; a ConfigError names an unknown or impossible one."""
        return validate(self.parameters, values)

    def scores(
        self, image: UInt8Array, fov: BoolArray, parameters: MethodParameters, fitted: Fitted | None = None
    ) -> Float32Array:
        """The function's scores on the native grid: (H, W), or (classes, H, W) with `every_class`; 0 outside the field.

        Args:
            image: (H, W, 3) photograph.
            fov: (H, W) field of view.
            parameters: An instance of this method's parameters.
            fitted: The fitted arrays, for a method that has some.
        """
        if image.shape[:2] != fov.shape:
            what = f"the photograph has {image.shape[:2]} pixels, its field of view {fov.shape}"
            raise ImageError(what, fix="Give a field of view of the photograph's own size")
        if self.fit is not None and fitted is None:
            raise ConfigError(
                f"the method '{self.name}' learns from labels first",
                fix="Run it on a prepared set with training images",
            )
        geometry = Geometry.fit(fov, crop=True, diameter=parameters.diameter)
        inside = geometry.mask_to_working(fov)
        found = self.function(geometry.image_to_working(image), inside, parameters, fitted)
        native = geometry.map_to_native(np.ascontiguousarray(found, np.float32))
        if self.binary:
            native = (native >= 0.5).astype(np.float32)
        np.clip(native, 0.0, 1.0, out=native)
        native[..., ~fov] = 0.0
        return native


def require_task(method: Method, classes: Classes) -> None:
    """Raises ConfigError unless the method can work on a task with these classes."""
    if classes.positive is None and not method.every_class:
        raise ConfigError(
            f"the method '{method.name}' marks one class, but the task '{classes.name}' has no positive class",
            fix="Take `--method frequency`, or train a net",
        )
