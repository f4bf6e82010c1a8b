"""A trained net as a function from photographs to class probabilities on their native grids."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retseg.core.config import validate
from retseg.core.device import computes_bfloat16
from retseg.core.errors import CheckpointError, ConfigError, ImageError
from retseg.core.types import CLASS_MAP, BoolArray, Classes, Float32Array, UInt8Array
from retseg.imaging.geometry import Geometry
from retseg.imaging.normalise import input_statistics
from retseg.imaging.vessels import mean_width
from retseg.inference.checkpoint import LoadedModel
from retseg.inference.config import PredictConfig
from retseg.inference.prediction import Prediction as Prediction
from retseg.inference.whole import WholeImages
from retseg.inference.window import Mosaic, WindowGrid
from retseg.models.heads import HEADS, channels_of, split
from retseg.models.registry import MODELS

_PIXELS_PER_PASS = {"cpu": 256 * 256, "cuda": 16 * 512 * 512}
"""Most pixels in one pass of the net where the config leaves the batch open (one window at least). This bounds memory;
on a CPU larger passes gain nothing."""


_WINDOW = 512
"""Side of the windows where the config leaves it open and the whole image is too much."""


_VIEWS = ((2_000_000, 4), (700_000, 2), (0, 1))
"""Views that `flips: auto` takes of a photograph of so many pixels or more: what reading and writing take anyway."""

_SEEN = 0.4
"""Probability from which the first look counts a pixel: less than even, because thin vessels are faint to it."""

_LOOKED_AT = 0.7
"""Share of height and width, in the middle, that the first look takes in: half the work, and as telling (the widths of
18 photographs differed by 2% from those of the whole, and differed less among photographs of one camera)."""

_ALIKE = 1.15
"""Up to this factor from a size that the net was trained on, the first look is taken to have seen that camera: among
photographs of one camera its answers spread by 6 to 7%, which is patients and chance, not the camera."""


_Value = TypeVar("_Value", bound=np.generic)


@dataclass(slots=True, eq=False)
class _Photograph:
    """A photograph on its way through the net."""

    id: str
    image: UInt8Array
    fov: BoolArray
    geometry: Geometry
    working: Tensor
    mean: Tensor
    std: Tensor
    mosaic: Mosaic
    classes: range
    views: int


class Predictor:
    """Carries a net over whole photographs.

    Args:
        model: The net and its card; the card says how the net's input is made. The net is put into evaluation mode.
        config: Window, overlap, blending, test-time augmentation.
        device: Where the net runs.

    Attributes:
        seconds: Time that the net has taken so far, without reading, resizing and writing.
    """

    def __init__(self, model: LoadedModel, config: PredictConfig, device: torch.device) -> None:
        self.card = model.card
        self.config = config
        self.device = device
        self.net = model.net.to(device).eval()
        architecture = MODELS.get(self.card.arch)
        self._multiple = architecture.stride(validate(architecture.options, self.card.options))
        self._fixed = not architecture.fully_convolutional
        if config.whole_image and self._fixed:
            raise ConfigError(
                f"the net '{self.card.arch}' is not fully convolutional, so it cannot take a whole image at once",
                where="predict.whole_image",
                fix="Use the sliding window: --set predict.whole_image=false",
            )
        self._mixed = config.precision == "bf16" or (config.precision == "auto" and computes_bfloat16(device))
        self._whole = None if self._fixed else WholeImages(self.net, device, mixed=self._mixed)
        self._heads = tuple(HEADS.get(name) for name in self.card.heads)
        self.seconds = 0.0

    @property
    def classes(self) -> Classes:
        """The class table of the probabilities."""
        return self.card.classes

    def probabilities(self, image: UInt8Array, fov: BoolArray) -> Float32Array:
        """Class probabilities (classes, H, W) in 0..1 of one (H, W, 3) photograph with its (H, W) field of view.

        The field of view only sets the crop and the statistics of the input; what lies outside it is predicted too.
        Outside the crop the probability is 0, and 1 for the class "outside" where the task has one.
        """
        return next(self._predicted([("", image, fov)], range(self.classes.count))).probabilities

    def probabilities_of_many(self, photographs: Iterable[tuple[str, UInt8Array, BoolArray]]) -> Iterator[Prediction]:
        """Predicts (id, image, field of view) one after another, in their order.

        Where the task has a positive class, the others' probabilities are there only with `all_classes`: to carry them
        to the native grid would take as long again. Photographs that are smaller than a full batch share the passes of
        the net, so at most a batch of small ones, or one large one, is in memory at a time.
        """
        positive = self.classes.positive
        if positive is None or self.config.all_classes:
            return self._predicted(photographs, range(self.classes.count))
        return self._predicted(photographs, range(positive, positive + 1))

    def _predicted(
        self, photographs: Iterable[tuple[str, UInt8Array, BoolArray]], classes: range
    ) -> Iterator[Prediction]:
        """The predictions, with the probabilities of these classes: all of them, or the positive one alone."""
        begun: deque[_Photograph] = deque()
        queue: list[tuple[_Photograph, tuple[int, int]]] = []
        for identifier, image, fov in photographs:
            photograph = self._begin(identifier, image, fov, classes)
            grid = photograph.mosaic.grid
            batch = self.config.batch or self._automatic_batch(grid.shape)
            if queue and (queue[0][0].mosaic.grid.shape, queue[0][0].views) != (grid.shape, photograph.views):
                self._run(queue)
            begun.append(photograph)
            for position in grid.positions():
                queue.append((photograph, position))
                if len(queue) >= batch:
                    self._run(queue)
            if grid.count >= batch:
                self._run(queue)
            while begun and not begun[0].mosaic.missing:
                yield self._finish(begun.popleft())
        self._run(queue)
        while begun:
            yield self._finish(begun.popleft())

    def _begin(self, identifier: str, image: UInt8Array, fov: BoolArray, classes: range) -> _Photograph:
        if image.shape[:2] != fov.shape:
            what = f"the photograph has {image.shape[:2]} pixels, its field of view {fov.shape}"
            raise ImageError(what, where=identifier or None, fix="Give a field of view of the photograph's own size")
        inputs = self.card.input
        geometry = Geometry.fit(fov, crop=inputs.crop, diameter=inputs.diameter)
        if self.card.calibre is not None:
            geometry = geometry.scaled(self._enlargement(self._width_seen(image, fov, geometry)))
        return self._on_grid(identifier, image, fov, classes, geometry)

    def _enlargement(self, seen: float | None) -> float:
        """How much larger than in the first look vessels that seemed so wide must be, to be as wide as in training.

        It stays within what the net was trained on, whatever the look shows: without any vessel it is the middle.
        """
        inputs, calibre = self.card.input, self.card.calibre
        assert inputs.diameter is not None
        trained = np.array(sorted(inputs.cameras.values())) / inputs.diameter
        if calibre is None or seen is None:
            return float(np.mean(trained))
        wanted = np.clip(calibre / seen, trained[0], trained[-1])
        apart = np.maximum(trained / wanted, wanted / trained)
        return float(trained[apart.argmin()] if apart.min() <= _ALIKE else wanted)

    def width_seen(self, image: UInt8Array, fov: BoolArray) -> float | None:
        """The first look: how wide vessels in the middle seem to be, in pixels of a field `input.diameter` across."""
        inputs = self.card.input
        return self._width_seen(image, fov, Geometry.fit(fov, crop=inputs.crop, diameter=inputs.diameter))

    def _width_seen(self, image: UInt8Array, fov: BoolArray, geometry: Geometry) -> float | None:
        positive = self.classes.positive
        assert positive is not None, "training refuses sizes of cameras for tasks without a positive class"
        photograph = self._on_grid("", image, fov, range(positive, positive + 1), geometry, part=_LOOKED_AT)
        mosaic, started = photograph.mosaic, time.perf_counter()
        with torch.inference_mode():
            for position in mosaic.grid.positions():
                window = _network_input(photograph, position)[None]
                mosaic.add(position, self._pass(window, photograph.classes)[0])
        seen = mosaic.canvas[0].cpu().numpy() > _SEEN
        self.seconds += time.perf_counter() - started
        return mean_width(seen & _middle(geometry.mask_to_working(fov), _LOOKED_AT))

    def _on_grid(
        self,
        identifier: str,
        image: UInt8Array,
        fov: BoolArray,
        classes: range,
        geometry: Geometry,
        part: float = 1.0,
    ) -> _Photograph:
        """A photograph on a working grid, or so large a part from its middle, ready for the net."""
        inputs = self.card.input
        working = geometry.image_to_working(image)
        statistics = input_statistics(working, geometry.mask_to_working(fov), inputs.normalise)
        working = _middle(working, part)
        height, width = working.shape[:2]
        grid = self._grid(height, width)
        channels = len(classes) + channels_of(self._heads)
        return _Photograph(
            identifier,
            image,
            fov,
            geometry,
            torch.from_numpy(np.ascontiguousarray(working)).to(self.device).permute(2, 0, 1),
            torch.tensor(statistics.mean, device=self.device).view(-1, 1, 1),
            torch.tensor(statistics.std, device=self.device).view(-1, 1, 1),
            Mosaic(grid, channels, self.config.blend, self.device),
            classes,
            self._views(image),
        )

    def _views(self, image: UInt8Array) -> int:
        """Over how many views of a photograph (H, W, 3) the mean is taken."""
        asked = self.config.flips
        pixels = image.shape[0] * image.shape[1]
        views = asked if asked != "auto" else next(views for least, views in _VIEWS if pixels >= least)
        return max(views, 4) if self.config.uncertainty else views

    def _grid(self, height: int, width: int) -> WindowGrid:
        """One window of the whole image where that was asked for, or is as good; else overlapping smaller ones."""
        overlap, multiple = self.config.overlap, self._multiple
        whole = WindowGrid.plan(height, width, (height, width), overlap, multiple, fixed=self._fixed)
        if self.config.whole_image or (self.config.window is None and self._takes_whole(whole.shape)):
            return whole
        side = self.config.window or _WINDOW
        return WindowGrid.plan(height, width, (side, side), overlap, multiple, fixed=self._fixed)

    def _takes_whole(self, shape: tuple[int, int]) -> bool:
        return self._whole is not None and self._whole.fit(self.card.in_channels, *shape)

    def _automatic_batch(self, shape: tuple[int, int]) -> int:
        budget = _PIXELS_PER_PASS.get(self.device.type, _PIXELS_PER_PASS["cpu"])
        return max(1, budget // (shape[0] * shape[1]))

    def _run(self, queue: list[tuple[_Photograph, tuple[int, int]]]) -> None:
        """Passes the queued windows, which are of one shape, through the net, blends them in, empties the queue."""
        if not queue:
            return
        started = time.perf_counter()
        with torch.inference_mode():
            windows = torch.stack([_network_input(photograph, position) for photograph, position in queue])
            results = self._forward(windows, queue[0][0].classes, queue[0][0].views)
            for (photograph, position), result in zip(queue, results, strict=True):
                photograph.mosaic.add(position, result)
        self.seconds += time.perf_counter() - started
        queue.clear()

    def _forward(self, windows: Tensor, classes: range, number: int) -> Tensor:
        """What `_pass` returns, averaged over so many views of test-time augmentation."""
        total, views = self._pass(windows, classes), _dihedral_views(number)
        for flip, turns in views[1:]:
            view = torch.rot90(windows.flip(3) if flip else windows, turns, (2, 3))
            back = torch.rot90(self._pass(view, classes), -turns, (2, 3))
            total += back.flip(3) if flip else back
        return total.div_(len(views))

    def _pass(self, windows: Tensor, classes: range) -> Tensor:
        """These classes' probabilities and, behind them, what the heads say, in 0..1: (B, planes, h, w) float32."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._mixed):
            # Channels last is faster on CPUs and GPUs alike, and needs no change to the net itself.
            result = self.net(windows.contiguous(memory_format=torch.channels_last))
        named, _ = split(result, self.classes.count, self._heads)
        logits = named[CLASS_MAP]
        expected = (len(windows), self.classes.count, *windows.shape[2:])
        if logits.shape != expected:
            raise ConfigError(
                f"the net '{self.card.arch}' returned {tuple(logits.shape)} instead of {expected}",
                fix="A net returns one map per class of its input's own height and width",
            )
        probabilities = logits.float().softmax(1)
        planes = [probabilities[:, classes.start : classes.stop]]
        planes += [head.activation(named[head.name].float()) for head in self._heads]
        # A copy in any case: what is summed up over the views must not be a view of the softmax.
        return torch.cat(planes, 1)

    def _finish(self, photograph: _Photograph) -> Prediction:
        started = time.perf_counter()
        # An accelerator has only been told what to do so far; here its result is waited for.
        working = photograph.mosaic.canvas.cpu().numpy()
        self.seconds += time.perf_counter() - started
        native = _on_native_grid(photograph, working, self.classes)
        count = len(photograph.classes)
        ends = np.cumsum([count, *(head.channels for head in self._heads)])[:-1]
        probabilities, *parts = np.split(native, ends)
        heads = {head.name: part for head, part in zip(self._heads, parts, strict=True)}
        return Prediction(photograph.id, photograph.image, photograph.fov, probabilities, heads)


def _middle(values: NDArray[_Value], part: float) -> NDArray[_Value]:
    """The middle of (H, W, ...) values: this share of their height and of their width."""
    top, left = (round(side * (1 - part) / 2) for side in values.shape[:2])
    return values[top : values.shape[0] - top, left : values.shape[1] - left]


def _network_input(photograph: _Photograph, position: tuple[int, int]) -> Tensor:
    window = photograph.mosaic.grid.cut(photograph.working, position)
    return (window.float() / 255 - photograph.mean) / photograph.std


def _on_native_grid(photograph: _Photograph, working: Float32Array, classes: Classes) -> Float32Array:
    """What the net says, on the photograph's own grid: (classes + channels of the heads, H, W) in 0..1."""
    # Resizing and cropping keep what is finite finite, so the smaller grid is the one to look at.
    if not np.isfinite(working).all():
        raise CheckpointError(
            "the net's output holds values that are not numbers",
            where=photograph.id or None,
            fix="Its training has diverged: train again with a lower learning rate",
        )
    # Sums of rounded weights may exceed one in the last digit.
    np.clip(working, 0.0, 1.0, out=working)
    fills = [float(number == classes.outside) for number in photograph.classes]
    return photograph.geometry.map_to_native(working, fill=[*fills, *[0.0] * (len(working) - len(fills))])


def _dihedral_views(number: int) -> list[tuple[bool, int]]:
    """(mirrored, quarter turns) of each view; the first is the identity."""
    turns = {1: (0,), 2: (0,), 4: (0, 2), 8: (0, 1, 2, 3)}[number]
    mirrored = (False,) if number == 1 else (False, True)
    return [(flip, turn) for flip in mirrored for turn in turns]
