"""A trained net as a function from photographs to class probabilities on their native grids."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from retseg.core.config import validate
from retseg.core.errors import CheckpointError, ConfigError, ImageError
from retseg.core.types import CLASS_MAP, BoolArray, Classes, Float32Array, UInt8Array
from retseg.imaging.geometry import Geometry
from retseg.imaging.normalise import input_statistics
from retseg.inference.checkpoint import LoadedModel
from retseg.inference.config import PredictConfig
from retseg.inference.prediction import Prediction as Prediction
from retseg.inference.window import Mosaic, WindowGrid
from retseg.models.heads import HEADS, channels_of, split
from retseg.models.registry import MODELS

_PIXELS_PER_PASS = {"cpu": 256 * 256, "cuda": 16 * 512 * 512}
"""Most pixels in one pass of the net where the config leaves the batch open (one window at least). This bounds memory;
on a CPU larger passes were also measured to be slower, because they leave its caches."""


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
        self._heads = tuple(HEADS.get(name) for name in self.card.heads)
        self._channels = self.classes.count + channels_of(self._heads)
        self._views = _dihedral_views(config.flips)
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
        return next(self.probabilities_of_many([("", image, fov)])).probabilities

    def probabilities_of_many(self, photographs: Iterable[tuple[str, UInt8Array, BoolArray]]) -> Iterator[Prediction]:
        """Predicts (id, image, field of view) one after another, in their order.

        Photographs that are smaller than a full batch share the passes of the net, so at most a batch of small ones,
        or one large one, is in memory at a time.
        """
        begun: deque[_Photograph] = deque()
        queue: list[tuple[_Photograph, tuple[int, int]]] = []
        for identifier, image, fov in photographs:
            photograph = self._begin(identifier, image, fov)
            grid = photograph.mosaic.grid
            batch = self.config.batch or self._automatic_batch(grid.shape)
            if queue and queue[0][0].mosaic.grid.shape != grid.shape:
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

    def _begin(self, identifier: str, image: UInt8Array, fov: BoolArray) -> _Photograph:
        if image.shape[:2] != fov.shape:
            what = f"the photograph has {image.shape[:2]} pixels, its field of view {fov.shape}"
            raise ImageError(what, where=identifier or None, fix="Give a field of view of the photograph's own size")
        inputs = self.card.input
        geometry = Geometry.fit(fov, crop=inputs.crop, diameter=inputs.diameter, largest=inputs.largest_diameter)
        working = geometry.image_to_working(image)
        statistics = input_statistics(working, geometry.mask_to_working(fov), inputs.normalise)
        height, width = working.shape[:2]
        side = self.config.window
        sides = (height, width) if self.config.whole_image else (side, side)
        grid = WindowGrid.plan(height, width, sides, self.config.overlap, self._multiple, fixed=self._fixed)
        return _Photograph(
            identifier,
            image,
            fov,
            geometry,
            torch.from_numpy(np.ascontiguousarray(working)).to(self.device).permute(2, 0, 1),
            torch.tensor(statistics.mean, device=self.device).view(-1, 1, 1),
            torch.tensor(statistics.std, device=self.device).view(-1, 1, 1),
            Mosaic(grid, self._channels, self.config.blend, self.device),
        )

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
            for (photograph, position), result in zip(queue, self._forward(windows), strict=True):
                photograph.mosaic.add(position, result)
        self.seconds += time.perf_counter() - started
        queue.clear()

    def _forward(self, windows: Tensor) -> Tensor:
        """What `_pass` returns, averaged over the views of test-time augmentation."""
        total = self._pass(windows)
        for flip, turns in self._views[1:]:
            view = torch.rot90(windows.flip(3) if flip else windows, turns, (2, 3))
            back = torch.rot90(self._pass(view), -turns, (2, 3))
            total += back.flip(3) if flip else back
        return total.div_(len(self._views))

    def _pass(self, windows: Tensor) -> Tensor:
        """Class probabilities and, behind them, what the heads say, in 0..1: (B, classes + channels, h, w) float32."""
        with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
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
        if not self._heads:
            return probabilities
        return torch.cat([probabilities, *(head.activation(named[head.name].float()) for head in self._heads)], 1)

    def _finish(self, photograph: _Photograph) -> Prediction:
        started = time.perf_counter()
        # An accelerator has only been told what to do so far; here its result is waited for.
        working = photograph.mosaic.canvas.cpu().numpy()
        self.seconds += time.perf_counter() - started
        native = _on_native_grid(photograph, working, self.classes)
        if not self._heads:
            return Prediction(photograph.id, photograph.image, photograph.fov, native)
        ends = np.cumsum([head.channels for head in self._heads])[:-1]
        parts = np.split(native[self.classes.count :], ends)
        heads = {head.name: part for head, part in zip(self._heads, parts, strict=True)}
        return Prediction(photograph.id, photograph.image, photograph.fov, native[: self.classes.count], heads)


def _network_input(photograph: _Photograph, position: tuple[int, int]) -> Tensor:
    window = photograph.mosaic.grid.cut(photograph.working, position)
    return (window.float() / 255 - photograph.mean) / photograph.std


def _on_native_grid(photograph: _Photograph, working: Float32Array, classes: Classes) -> Float32Array:
    """What the net says, on the photograph's own grid: (classes + channels of the heads, H, W) in 0..1."""
    native = np.empty((len(working), *photograph.fov.shape), np.float32)
    for index, channel in enumerate(working):
        fill = 1.0 if index == classes.outside else 0.0
        native[index] = photograph.geometry.map_to_native(channel, fill=fill)
    if not np.isfinite(native).all():
        raise CheckpointError(
            "the net's output holds values that are not numbers",
            where=photograph.id or None,
            fix="Its training has diverged: train again with a lower learning rate",
        )
    # Sums of rounded weights may exceed one in the last digit.
    return np.clip(native, 0.0, 1.0, out=native)


def _dihedral_views(number: int) -> list[tuple[bool, int]]:
    """(mirrored, quarter turns) of each view; the first is the identity."""
    turns = {1: (0,), 4: (0, 2), 8: (0, 1, 2, 3)}[number]
    mirrored = (False,) if number == 1 else (False, True)
    return [(flip, turn) for flip in mirrored for turn in turns]
