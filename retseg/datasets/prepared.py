"""A prepared set on disk: written case by case, and opened by every later stage."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import InputError
from retseg.core.manifest import Manifest
from retseg.core.paths import write_atomically
from retseg.core.types import CLASS_MAP, INSTANCES, Case, Classes, Sample, UInt8Array
from retseg.imaging.io import read_image, read_label, write_png

INDEX = "index.csv"
_COLUMNS = (
    "id", "patient", "eye", "split", "width", "height", "image", "fov", "fov_source", "label", "reference", "observers",
    "um_per_pixel", "instances", "remarks",
)  # fmt: skip
_ORIGIN = ("origin", "origin_patient")
"""Columns of a joined set only: the dataset that a photograph comes from, and its patient there."""
_FIX = "Run `retseg prepare` again with --force"


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One line of index.csv. Paths are relative to the prepared folder, with forward slashes."""

    id: str
    patient: str
    eye: str | None
    split: str
    width: int
    height: int
    image: str
    fov: str
    fov_source: Literal["owner", "estimated"]
    label: str | None = None
    reference: str | None = None
    observers: tuple[str, ...] = ()
    um_per_pixel: float | None = None
    instances: str | None = None
    remarks: tuple[str, ...] = ()
    origin: str | None = None
    origin_patient: str | None = None

    def to_csv(self) -> dict[str, str]:
        """The row as text, an empty field for what there is not."""
        values = {name: getattr(self, name) for name in (*_COLUMNS, *_ORIGIN)}
        values["observers"] = ";".join(self.observers)
        values["remarks"] = "; ".join(self.remarks)
        return {name: "" if value is None else str(value) for name, value in values.items()}

    @classmethod
    def from_csv(cls, row: Mapping[str, str]) -> IndexRow:
        """Reads what `to_csv` wrote."""
        source = row["fov_source"]
        if source not in ("owner", "estimated"):
            raise ValueError(f"fov_source is {source!r}")
        return cls(
            id=row["id"],
            patient=row["patient"],
            eye=row["eye"] or None,
            split=row["split"],
            width=int(row["width"]),
            height=int(row["height"]),
            image=row["image"],
            fov=row["fov"],
            fov_source="owner" if source == "owner" else "estimated",
            label=row["label"] or None,
            reference=row["reference"] or None,
            observers=tuple(row["observers"].split(";")) if row["observers"] else (),
            um_per_pixel=float(row["um_per_pixel"]) if row["um_per_pixel"] else None,
            instances=row["instances"] or None,
            remarks=tuple(row["remarks"].split("; ")) if row["remarks"] else (),
            origin=row.get("origin") or None,
            origin_patient=row.get("origin_patient") or None,
        )

    def sample(self, folder: Path) -> Sample:
        """The row as a sample whose files are those of the prepared folder."""
        labels = {} if self.label is None or self.reference is None else {self.reference: folder / self.label}
        labels |= {observer: folder / _observer_file(observer, self.id) for observer in self.observers}
        return Sample(
            id=self.id,
            patient=self.patient,
            image=folder / self.image,
            split=self.split,
            eye=self.eye,
            labels=labels,
            fov=folder / self.fov,
            um_per_pixel=self.um_per_pixel,
            origin=None if self.origin is None else (self.origin, self.origin_patient or self.patient),
        )


def _observer_file(observer: str, sample_id: str) -> str:
    return f"observers/{observer}/{sample_id}.png"


def save_case(folder: Path, case: Case) -> IndexRow:
    """Writes one case's photograph, class maps, ids and field of view below `folder`; the row goes into the index."""
    sample = case.sample
    origin, origin_patient = sample.origin or (None, None)
    row = IndexRow(
        id=sample.id,
        patient=sample.patient,
        eye=sample.eye,
        split=sample.split,
        width=case.image.shape[1],
        height=case.image.shape[0],
        image=f"images/{sample.id}.png",
        fov=f"fov/{sample.id}.png",
        fov_source="estimated" if case.fov_estimated else "owner",
        label=f"labels/{sample.id}.png" if CLASS_MAP in case.targets else None,
        reference=sample.reference if CLASS_MAP in case.targets else None,
        observers=tuple(case.observers),
        um_per_pixel=sample.um_per_pixel,
        instances=f"instances/{sample.id}.png" if INSTANCES in case.targets else None,
        remarks=case.remarks,
        origin=origin,
        origin_patient=origin_patient,
    )
    write_png(folder / row.image, case.image)
    write_png(folder / row.fov, case.fov)
    if row.label is not None:
        write_png(folder / row.label, case.targets[CLASS_MAP])
    if row.instances is not None:
        write_png(folder / row.instances, case.targets[INSTANCES].astype(np.uint16))
    for observer, class_map in case.observers.items():
        write_png(folder / _observer_file(observer, sample.id), class_map)
    return row


def write_index(folder: Path, rows: Iterable[IndexRow]) -> None:
    """Writes index.csv, whole or not at all. File names that are no valid Unicode survive the round trip."""
    text, rows = io.StringIO(newline=""), list(rows)
    columns = (*_COLUMNS, *(_ORIGIN if any(row.origin for row in rows) else ()))
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(row.to_csv() for row in rows)
    write_atomically(folder / INDEX, text.getvalue().encode("utf-8", "surrogateescape"))


def read_index(folder: Path) -> list[IndexRow]:
    """The rows of a prepared folder's index.csv."""
    path = folder / INDEX
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file)
            if missing := set(_COLUMNS) - set(reader.fieldnames or ()):
                raise ValueError(f"it has no column {', '.join(sorted(missing))}")
            return [IndexRow.from_csv(row) for row in reader]
    except FileNotFoundError:
        raise InputError("a prepared set has an index.csv, but here is none", where=folder, fix=_FIX) from None
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise InputError(f"index.csv cannot be read ({error})", where=path, fix=_FIX) from None


@dataclass(frozen=True, slots=True)
class PreparedSet:
    """A prepared set: its samples point at the prepared files, and `case` loads them without any guessing.

    `reference` is the observer whose labels are the ground truth (None for a set without labels), and `observers` are
    the further ones.
    """

    folder: Path
    name: str
    classes: Classes
    rows: tuple[IndexRow, ...]
    samples: tuple[Sample, ...]
    _by_id: Mapping[str, IndexRow] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A set may hold a hundred thousand photographs, so that looking a row up must not take a search.
        object.__setattr__(self, "_by_id", {row.id: row for row in self.rows})

    @classmethod
    def open(cls, folder: Path) -> PreparedSet:
        """Opens the folder that `retseg prepare` wrote."""
        facts = Manifest.read(folder).facts
        if "dataset" not in facts or "classes" not in facts:
            raise InputError(
                "this is the result of another stage, not a prepared set",
                where=folder,
                fix="Give a folder that `retseg prepare` wrote",
            )
        rows = tuple(read_index(folder))
        return cls(
            folder=folder,
            name=facts["dataset"],
            classes=Classes.from_json(facts["classes"]),
            rows=rows,
            samples=tuple(row.sample(folder) for row in rows),
        )

    @property
    def reference(self) -> str | None:
        """Name of the observer whose labels are the ground truth."""
        return next((row.reference for row in self.rows if row.reference), None)

    @property
    def observers(self) -> tuple[str, ...]:
        """Names of the further observers, in the order of their first appearance."""
        return tuple(dict.fromkeys(observer for row in self.rows for observer in row.observers))

    def split(self, name: str) -> list[Sample]:
        """The samples of one split: "train", "validation" or "test"."""
        return [sample for sample in self.samples if sample.split == name]

    def dataset_of(self, sample: Sample) -> str:
        """The dataset that a sample comes from: its member of a joined set, else this one."""
        return self.name if sample.origin is None else sample.origin[0]

    def row(self, sample: Sample) -> IndexRow:
        """The line of the index that `sample` comes from."""
        return self._by_id[sample.id]

    def case(self, sample: Sample) -> Case:
        """The sample's arrays: photograph, class maps and field of view, exactly as they were written."""
        row = self.row(sample)
        maps = {observer: self._class_map(path) for observer, path in sample.labels.items()}
        targets: dict[str, NDArray[Any]] = {}
        if row.reference is not None:
            targets[CLASS_MAP] = maps.pop(row.reference)
        if row.instances is not None:
            targets[INSTANCES] = read_label(self.folder / row.instances).astype(np.uint16)
        assert sample.fov is not None
        return Case(
            sample=sample,
            image=read_image(sample.image),
            fov=read_label(sample.fov) > 0,
            targets=targets,
            observers=maps,
            fov_estimated=row.fov_source == "estimated",
            remarks=row.remarks,
        )

    @staticmethod
    def _class_map(path: Path) -> UInt8Array:
        return np.asarray(read_label(path), np.uint8)
