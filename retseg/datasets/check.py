"""Reading every file of a set, to name all that is damaged in one go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray, Sample, UInt8Array
from retseg.datasets.base import Dataset, Report, require_visible
from retseg.datasets.class_tables import ALL_VOID
from retseg.datasets.findings import Finding
from retseg.imaging.io import image_size, read_image

_FETCH = "Fetch the file again"
_MOST_VESSEL = 0.5
"""Share of the field of view. Vessels cover about a tenth of it in every known set."""


def check_samples(dataset: Dataset, samples: Sequence[Sample], report: Report | None = None) -> list[Finding]:
    """What is wrong with the contents of the samples' files: damage, sizes, values, and labels that look mistaken."""
    findings: list[Finding] = []
    sizes: dict[Path, tuple[int, int]] = {}
    for sample in samples:
        findings += _check_sample(dataset, sample, sizes)
        if report is not None:
            report(1, sample.id)
    return findings + list(_odd_sizes(dataset, sizes))


def _check_sample(dataset: Dataset, sample: Sample, sizes: dict[Path, tuple[int, int]]) -> Iterator[Finding]:
    image = None
    try:
        image = read_image(sample.image)
        sizes[sample.image] = image.shape[:2]
        require_visible(sample.image, image)
    except ImageError as error:
        yield _damage(sample.image, error)
    size = image.shape[:2] if image is not None else _size(sample)
    if size is None:
        # Nothing can be said about sizes; the files' own contents are read all the same.
        size = (0, 0)
    fov: BoolArray = np.ones(size, bool)
    if sample.fov is not None:
        try:
            fov = dataset.owners_field_of_view(sample, sample.fov, size)
        except ImageError as error:
            yield _damage(sample.fov, error)
        else:
            yield from _inverted(sample.fov, fov, image)
    for observer, path in sample.labels.items():
        try:
            class_map = dataset.class_map(sample, observer, fov)
            if observer == sample.reference:
                dataset.id_map(sample, observer, fov)
            remarks = dataset.remarks(sample, observer)
        except ImageError as error:
            yield _damage(path, error)
        else:
            yield from _mistaken(dataset, path, class_map)
            yield from _remarked(dataset, path, class_map, remarks)


def _size(sample: Sample) -> tuple[int, int] | None:
    """The size of a photograph that cannot be read: by its header, else that of the files that belong to it."""
    for path in (sample.image, sample.fov, *sample.labels.values()):
        if path is not None:
            try:
                return image_size(path)
            except ImageError:
                continue
    return None


def _damage(path: Path, error: ImageError) -> Finding:
    return Finding("error", path, error.what, error.fix or _FETCH)


def _inverted(path: Path, fov: BoolArray, image: UInt8Array | None) -> Iterator[Finding]:
    if image is None or fov.all():
        return
    green = image[..., 1]
    if float(green[fov].mean()) < float(green[~fov].mean()):
        what = "the photograph is darker inside this field of view than outside it"
        yield Finding("warning", path, what, "See whether the mask is inverted or belongs to another photograph")


def _mistaken(dataset: Dataset, path: Path, class_map: UInt8Array) -> Iterator[Finding]:
    classes = dataset.classes
    if classes.positive is None:
        return
    counted = class_map != classes.ignore
    if classes.outside is not None:
        counted &= class_map != classes.outside
    positive = int((class_map == classes.positive).sum())
    name = classes.names[classes.positive]
    if not positive:
        yield Finding("warning", path, f"no {name} is marked", "See whether this is the right file")
    elif positive > _MOST_VESSEL * int(counted.sum()):
        what = f"more than half of the field of view is marked as {name}"
        yield Finding("warning", path, what, "See whether the label is inverted, or is a field-of-view mask")


def _remarked(dataset: Dataset, path: Path, class_map: UInt8Array, remarks: Sequence[str]) -> Iterator[Finding]:
    """What the set itself says about a label; and that nothing in it counts, whether the set says so or not."""
    lines = list(remarks)
    if dataset.classes.positive is None and not (class_map != dataset.classes.ignore).any():
        lines.append(ALL_VOID)
    for line in dict.fromkeys(lines):
        yield Finding("warning", path, line, "See whether this is the right file and an undamaged copy")


def _odd_sizes(dataset: Dataset, sizes: dict[Path, tuple[int, int]]) -> Iterator[Finding]:
    """Photographs of one camera are all of one size; one that is not was resized or cropped by someone."""
    if dataset.size is None or not sizes:
        return
    usual = Counter(sizes.values()).most_common(1)[0][0]
    for path, size in sizes.items():
        if size != usual:
            what = f"the photograph is {_text(size)} but the others of the set are {_text(usual)} (width x height)"
            yield Finding("error", path, what, _FETCH)
    if usual != dataset.size:
        what = f"the photographs are {_text(usual)}, the owner's are {_text(dataset.size)}: a resized copy"
        yield Finding("note", min(sizes).parent, what, "Fetch the set from its owner to compare with published figures")


def _text(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
