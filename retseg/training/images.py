"""The training photographs in memory: bytes on the working grid, from which patches are cut."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retseg.core.errors import ImageError, InputError
from retseg.core.types import CLASS_MAP, INSTANCES, BoolArray, Classes, Sample, UInt8Array
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.config import InputConfig
from retseg.imaging.geometry import Geometry
from retseg.imaging.normalise import input_statistics
from retseg.models.heads import Head, channels_of
from retseg.training.objective import planes

Report = Callable[[int, str], None]
"""Called with the number of photographs or steps done since the last call, and a note."""

_SHARE_OF_FREE_MEMORY = 0.4  # of an accelerator; the rest is for the net
_BYTES_PER_PIXEL = 4  # red, green, blue and the class


class WorkingImage(NamedTuple):
    """One photograph on the working grid.

    `image` (H, W, 3) uint8; `targets` (K, H, W) uint8, of which the first plane holds class indices and the others what
    the net's heads are to learn; `mean` and `std` are those of its input statistics.
    """

    image: UInt8Array
    targets: Tensor
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def working_image(
    prepared: PreparedSet,
    sample: Sample,
    config: InputConfig,
    side: int | None = None,
    heads: Sequence[Head] = (),
) -> WorkingImage:
    """A labelled photograph on the working grid; with `side`, whole and resized to side x side as in the lecture."""
    case = prepared.case(sample)
    target = case.targets.get(CLASS_MAP)
    if target is None:
        raise ImageError("the photograph has no label", where=sample.image, fix="Leave it out of the training split")
    if side is None:
        diameter = config.trained_diameter(prepared.dataset_of(sample))
        geometry = Geometry.fit(case.fov, crop=config.crop, diameter=diameter)
    else:
        geometry = resized_whole(case.fov, side)
    image = geometry.image_to_working(case.image)
    statistics = input_statistics(image, geometry.mask_to_working(case.fov), config.normalise)
    ids = case.targets.get(INSTANCES)
    if heads and ids is None:
        raise InputError(
            f"the net's head '{heads[0].name}' learns from single instances, and the prepared set has none",
            where=prepared.folder,
            fix="Train without heads (--set model.heads=[]), or prepare a set whose labels tell instances apart",
        )
    instances = geometry.ids_to_working(ids) if heads and ids is not None else None
    targets = planes(geometry.labels_to_working(target), instances, heads)
    return WorkingImage(image, targets, statistics.mean, statistics.std)


def resized_whole(fov: BoolArray, side: int) -> Geometry:
    """The geometry that resizes a whole photograph to side x side pixels, whatever its shape."""
    height, width = fov.shape
    return Geometry((height, width), (0, 0, height, width), (side, side))


def labelled(prepared: PreparedSet, samples: Sequence[Sample]) -> list[Sample]:
    """Those of the samples that the reference observer labelled."""
    known = {row.id for row in prepared.rows if row.label is not None}
    return [sample for sample in samples if sample.id in known]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingImages:
    """Photographs and class maps as bytes on the working grid.

    `images` are (H, W, 3) uint8 and `targets` (K, H, W) uint8, of sizes that may differ, all on the device `store`: the
    computing `device` where they fit, else the host. The first plane of the targets is the class map, the others are
    what the net's heads are to learn. `mean` and `std` (N, 3) float32 lie on `device`. `digest` changes with any pixel.
    """

    samples: tuple[Sample, ...]
    images: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    mean: Tensor
    std: Tensor
    classes: Classes
    device: torch.device
    store: torch.device
    digest: int

    @classmethod
    def load(
        cls,
        prepared: PreparedSet,
        samples: Sequence[Sample],
        input_config: InputConfig,
        device: torch.device,
        report: Report | None = None,
        side: int | None = None,
        heads: Sequence[Head] = (),
    ) -> TrainingImages:
        """Reads the photographs of `samples`, all of which must be labelled; `side` as in `working_image`."""
        store = _where_to_keep(prepared, samples, device, _BYTES_PER_PIXEL + channels_of(heads))
        images, targets, means, stds, digest = [], [], [], [], 0
        for sample, working in zip(samples, _read(prepared, samples, input_config, side, heads), strict=True):
            digest = crc32(working.targets.numpy().data, crc32(np.ascontiguousarray(working.image).data, digest))
            images.append(torch.from_numpy(working.image).to(store))
            targets.append(working.targets.to(store))
            means.append(working.mean)
            stds.append(working.std)
            if report is not None:
                report(0, f"reading {sample.id}")
        return cls(
            samples=tuple(samples),
            images=tuple(images),
            targets=tuple(targets),
            mean=torch.tensor(means, dtype=torch.float32, device=device).reshape(-1, 3),
            std=torch.tensor(stds, dtype=torch.float32, device=device).reshape(-1, 3),
            classes=prepared.classes,
            device=device,
            store=store,
            digest=digest,
        )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def labels(self) -> tuple[Tensor, ...]:
        """The class maps, (H, W) uint8 each."""
        return tuple(target[0] for target in self.targets)

    @property
    def planes(self) -> int:
        """How many planes each target has: the class map and the channels of the net's heads."""
        return len(self.targets[0])

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(N, 2): height and width of each photograph."""
        return np.array([label.shape for label in self.labels], np.int64).reshape(-1, 2)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the photographs."""
        return tuple(sample.id for sample in self.samples)

    @property
    def patients(self) -> tuple[str, ...]:
        """Names of the patients, sorted, each once."""
        return tuple(sorted({sample.patient for sample in self.samples}))

    def classes_without_pixels(self) -> tuple[str, ...]:
        """Names of the classes that count and that no label contains, so that nothing can be learnt of them."""
        pixels = self.class_pixels()
        return tuple(self.classes.names[index] for index in self.classes.scored if not pixels[index])

    def class_pixels(self) -> NDArray[np.int64]:
        """How many pixels of each class there are."""
        counts = sum(torch.bincount(label.flatten().to("cpu", torch.int64), minlength=256) for label in self.labels)
        assert isinstance(counts, Tensor)
        return np.asarray(counts.numpy()[: self.classes.count], np.int64)


def _read(
    prepared: PreparedSet, samples: Sequence[Sample], config: InputConfig, side: int | None, heads: Sequence[Head]
) -> Iterator[WorkingImage]:
    # Decoding and resizing leave Python's lock, so threads suffice.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        yield from pool.map(lambda sample: working_image(prepared, sample, config, side, heads), samples)


def _where_to_keep(
    prepared: PreparedSet, samples: Sequence[Sample], device: torch.device, bytes_per_pixel: int
) -> torch.device:
    """The computing device if it is a CUDA device with room for all photographs, else the host."""
    if device.type != "cuda":
        return torch.device("cpu")
    chosen = {sample.id for sample in samples}
    needed = sum(row.width * row.height * bytes_per_pixel for row in prepared.rows if row.id in chosen)
    free, _ = torch.cuda.mem_get_info(device)
    return device if needed < _SHARE_OF_FREE_MEMORY * free else torch.device("cpu")
