"""Which vessel masks to divide into segments: anyone's, predicted ones, or the labels of a prepared set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retseg.core.errors import InputError
from retseg.core.manifest import Manifest, digest_of, file_digests
from retseg.core.types import Classes
from retseg.datasets.ids import photograph_ids
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.files import list_images
from retseg.stages.predict import STAGE as PREDICT
from retseg.stages.predict import split_samples

MASKS, FIELDS = "mask", "fov"
"""Folders of a prediction: its masks, and the fields of view beside them."""


@dataclass(frozen=True, slots=True)
class VesselMask:
    """One mask on disk and what is known about it.

    `vessel` is the class that is the vessel where the file is a class map, None where it is black and white. Without
    `fov` the whole frame is the field of view. `photograph` is what the mask was drawn on.
    """

    id: str
    path: Path
    vessel: int | None = None
    fov: Path | None = None
    photograph: Path | None = None
    um_per_pixel: float | None = None

    def absolute(self) -> VesselMask:
        """The same with paths that hold in any working folder."""
        fov = None if self.fov is None else self.fov.resolve()
        photograph = None if self.photograph is None else self.photograph.resolve()
        return replace(self, path=self.path.resolve(), fov=fov, photograph=photograph)


@dataclass(frozen=True, slots=True)
class MaskSource:
    """Masks, the digests of their files, and the folder that their segments go to unless another is named."""

    masks: tuple[VesselMask, ...]
    digests: Mapping[str, str]
    out: Path

    @property
    def inputs(self) -> dict[str, str]:
        """What the result depends on."""
        known = [[mask.id, mask.vessel, mask.um_per_pixel, str(mask.photograph)] for mask in self.masks]
        return {**self.digests, "masks": digest_of(known)}

    def at_scale(self, um_per_pixel: float | None) -> MaskSource:
        """The same with a scale for those masks that have none."""
        if um_per_pixel is None:
            return self
        scaled = tuple(replace(mask, um_per_pixel=mask.um_per_pixel or um_per_pixel) for mask in self.masks)
        return replace(self, masks=scaled)


def masks_at(path: Path, split: str | None = None) -> MaskSource:
    """The masks at a path: one file, a folder of them, a folder of predictions, or a prepared set."""
    if not path.exists():
        raise InputError("no such file or folder", where=path, fix="Check the path")
    if path.is_file():
        return _plain([path], path.parent, None, path.with_name(f"{path.stem}-segments"))
    manifest = Manifest.find(path)
    if manifest is None and path.name == MASKS and _is_prediction(Manifest.find(path.parent)):
        return masks_at(path.parent)
    if manifest is None and (path / "train").is_dir():
        raise InputError("this is a run, not a folder of masks", where=path, fix=f"Give it with --run {path}")
    if manifest is not None and "dataset" in manifest.facts and "classes" in manifest.facts:
        return labels_of(PreparedSet.open(path), split)
    if _is_prediction(manifest):
        return predicted_masks(path)
    if manifest is not None:
        raise InputError(
            f"this is the result of `retseg {manifest.stage}`, not a folder of masks",
            where=path,
            fix="Give a folder of masks, of predictions, or a prepared set",
        )
    home = path / MASKS if (path / MASKS).is_dir() else path
    fields = path / FIELDS
    images = [image for image in _images(home) if not image.is_relative_to(fields)]
    return _plain(images, home, fields if fields.is_dir() else None, _beside(path))


def predicted_masks(folder: Path, data: PreparedSet | None = None) -> MaskSource:
    """The masks of a prediction's folder; `data` is the prepared set that it is of, if that is known."""
    manifest = Manifest.read(folder)
    # Folds gathered from a cross-validation have no card of their own.
    if "card" in manifest.facts:
        require_vessels(Classes.from_json(manifest.facts["card"]["classes"]), folder)
    source = _plain(list_images(folder / MASKS), folder / MASKS, folder / FIELDS, _beside(folder))
    source = replace(source, digests={"predictions": manifest.digest})
    if data is None:
        return source
    samples = {sample.id: sample for sample in data.samples}
    masks = tuple(
        replace(mask, photograph=samples[mask.id].image, um_per_pixel=samples[mask.id].um_per_pixel)
        for mask in source.masks
    )
    return replace(source, masks=masks)


def labels_of(data: PreparedSet, split: str | None = None) -> MaskSource:
    """The reference observer's labels of a prepared set, or of one split of it."""
    require_vessels(data.classes, data.folder)
    masks = tuple(
        VesselMask(
            sample.id,
            sample.labels[reference],
            data.classes.positive,
            sample.fov,
            sample.image,
            sample.um_per_pixel,
        )
        for sample in split_samples(data, split or "all")
        if (reference := data.row(sample).reference) is not None
    )
    if not masks:
        raise InputError(
            "the photographs of the prepared set have no labels",
            where=data.folder,
            fix="Find their vessels with a trained run: add --run RUN",
        )
    return MaskSource(masks, {"prepared": Manifest.read(data.folder).digest}, _beside(data.folder))


def require_vessels(classes: Classes, where: Path) -> None:
    """InputError for a task that has no class for vessels."""
    if classes.positive is None:
        raise InputError(
            f"segments need vessels, and the task '{classes.name}' has no positive class in its class table",
            where=where,
            fix="Give vessel masks, or a set whose class table names its positive class",
        )


def _is_prediction(manifest: Manifest | None) -> bool:
    return manifest is not None and manifest.stage == PREDICT


def _beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.resolve().name}-segments")


def _images(folder: Path) -> list[Path]:
    """The images below a folder, except in sub-folders that are our own results."""
    images = list_images(folder)
    folders = {place for path in images for place in path.parents if place != folder and place.is_relative_to(folder)}
    ours = {place for place in folders if place.suffix == ".partial" or Manifest.find(place) is not None}
    return [path for path in images if ours.isdisjoint(path.parents)]


def _plain(images: Sequence[Path], home: Path, fields: Path | None, out: Path) -> MaskSource:
    """Black-and-white masks, with the fields of view that have the same names in the folder `fields`."""
    if not images:
        raise InputError(
            "no mask is in this folder",
            where=home,
            fix="Give a folder of black-and-white vessel masks, or one that `retseg predict` wrote",
        )
    ids = photograph_ids(home, images)
    fov_of: dict[str, Path] = {}
    if fields is not None:
        drawn = list_images(fields)
        fov_of = {name: path for path, name in photograph_ids(fields, drawn).items()}
    masks = tuple(VesselMask(ids[path], path, fov=fov_of.get(ids[path])) for path in images)
    files = [path for mask in masks for path in (mask.path, mask.fov) if path is not None]
    return MaskSource(masks, file_digests(files, home), out)
