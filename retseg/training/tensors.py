"""The lecture's tensors as files, for people who follow it step by step in a notebook.

The files are plain .npy: numpy and torch open them without another package, also mapped into memory, and the header
can be written before the data, so that they are streamed and memory does not grow with their number. In torch:

    import numpy as np, torch
    images = torch.from_numpy(np.load("train_images.npy"))   # 600 x 3 x 224 x 224, uint8, red green blue
    labels = torch.from_numpy(np.load("train_labels.npy"))   # 600 x 224 x 224, uint8 class indices
    loss = torch.nn.functional.nll_loss(log_probabilities, labels[:10].long())   # of net(images[:10] / 255)

`np.load(..., mmap_mode="r")` leaves them on the disk.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from numpy.lib import format as npy

from retseg.core.errors import InputError
from retseg.core.paths import explained_writes, write_atomically
from retseg.core.types import CLASS_MAP, Sample, UInt8Array
from retseg.datasets.prepared import PreparedSet
from retseg.datasets.splits import TEST, TRAIN
from retseg.imaging.config import InputConfig
from retseg.training.images import Report, TrainingImages, labelled, resized_whole
from retseg.training.sampling import Patches, cut, fixed_patches

# Patches are cut from the whole photograph at its own resolution.
_NATIVE = InputConfig(normalise="unit", crop=False, diameter=None)


def pack_lecture_tensors(
    prepared: PreparedSet,
    out: Path,
    patches_per_image: int = 30,
    patch_size: int = 224,
    seed: int = 0,
    report: Report | None = None,
) -> None:
    """Writes the training patches and the test images as uint8 tensors below `out`.

    - train_images.npy (N, 3, p, p) and train_labels.npy (N, p, p): the very patches that `--recipe lecture` with the
      same seed trains on, image by image; N is `patches_per_image` times the number of labelled training images.
    - test_images.npy (M, 3, p, p) and test_labels.npy (M, p, p): whole test images resized to p x p, whatever their
      shape, labels by nearest neighbour. An image without a label has the ignore value everywhere.
    - patches.csv: where each patch was cut (id, top, left). tensors.json: shapes, classes, seed, ids.

    Beyond the border of an image that is smaller than a patch, pixels are repeated and labels hold the ignore value.
    """
    train, test = labelled(prepared, prepared.split(TRAIN)), prepared.split(TEST)
    if not train:
        raise InputError(
            "there are no labelled training photographs to cut patches of",
            where=prepared.folder,
            fix="Prepare without --tensors",
        )
    count = len(train) * patches_per_image
    places = io.StringIO(newline="")
    rows = csv.writer(places, lineterminator="\n")
    rows.writerow(("id", "top", "left"))
    with explained_writes(out):
        out.mkdir(parents=True, exist_ok=True)
        with _tensor_pair(out, TRAIN, count, patch_size) as (images, labels):
            for sample in train:
                picture, label, patches = _patches_of(prepared, sample, patches_per_image, patch_size, seed)
                images.write(picture.tobytes())
                labels.write(label.tobytes())
                rows.writerows(zip([sample.id] * len(patches), patches.top, patches.left, strict=True))
                if report is not None:
                    report(1, sample.id)
        with _tensor_pair(out, TEST, len(test), patch_size) as (images, labels):
            for sample in test:
                picture, label = _resized(prepared, sample, patch_size)
                images.write(picture.tobytes())
                labels.write(label.tobytes())
                if report is not None:
                    report(1, sample.id)
    write_atomically(out / "patches.csv", places.getvalue().encode("utf-8", "surrogateescape"))
    facts = {
        "train_images": [count, 3, patch_size, patch_size],
        "test_images": [len(test), 3, patch_size, patch_size],
        "classes": prepared.classes.to_json(),
        "patches_per_image": patches_per_image,
        "seed": seed,
        "train_ids": [sample.id for sample in train],
        "test_ids": [sample.id for sample in test],
    }
    write_atomically(out / "tensors.json", json.dumps(facts, indent=1) + "\n")


def _patches_of(
    prepared: PreparedSet, sample: Sample, count: int, side: int, seed: int
) -> tuple[UInt8Array, UInt8Array, Patches]:
    """A photograph's patches (count, 3, side, side), their class maps, and where they lie."""
    image = TrainingImages.load(prepared, [sample], _NATIVE, torch.device("cpu"))
    patches = fixed_patches(image.sizes, image.ids, side, count, seed)
    pictures, maps = cut(image, patches, side)
    return pictures.permute(0, 3, 1, 2).contiguous().numpy(), maps[:, 0].numpy(), patches


def _resized(prepared: PreparedSet, sample: Sample, side: int) -> tuple[UInt8Array, UInt8Array]:
    """A whole photograph (3, side, side) and its class map (side, side)."""
    case = prepared.case(sample)
    geometry = resized_whole(case.fov, side)
    target = case.targets.get(CLASS_MAP)
    if target is None:
        target = np.full(case.fov.shape, prepared.classes.ignore, np.uint8)
    return np.ascontiguousarray(geometry.image_to_working(case.image).transpose(2, 0, 1)), geometry.labels_to_working(
        target
    )


@contextmanager
def _tensor_pair(out: Path, split: str, count: int, side: int) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Opens the images' and the labels' file of a split, headers written, to be filled in order."""
    shapes = {"images": (count, 3, side, side), "labels": (count, side, side)}
    images, labels = (out / f"{split}_{name}.npy" for name in shapes)
    with images.open("wb") as pictures, labels.open("wb") as maps:
        for file, shape in zip((pictures, maps), shapes.values(), strict=True):
            npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        yield pictures, maps
