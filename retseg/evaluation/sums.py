"""scores.npz: what a system scored on each photograph, as exact sums from which any statistic can be computed later.

The figures of a table cannot be resampled, sums over pixels can: counts and histograms of the patients drawn add up to
the pooled figure of exactly these patients. So the folder of an evaluation keeps them, and comparisons read them back
without touching a pixel.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import InputError
from retseg.core.paths import write_atomically
from retseg.metrics.counts import Counts
from retseg.metrics.ranking import LEVELS, ScoreHistogram

Kind = Literal["system", "observer"]

_FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class ImageSums:
    """One photograph: sums over its pixels, and the value of each metric (NaN where undefined).

    `counts` are those at the system's threshold. `counts` and `histogram` are None where there are none: a human
    observer and a binary map rank nothing, a task of several classes has no positive one. Such a task has `confusion`
    in their place: (classes, classes), true class by row.
    """

    id: str
    patient: str
    counts: Counts | None
    histogram: ScoreHistogram | None
    values: Mapping[str, float]
    confusion: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SystemSums:
    """All photographs of one system, or of one human observer. `metrics` names the values that every image holds.

    Of several classes, `pooled` holds the figures over all pixels, for no sum here gives those that rank, and `judged`
    the indices of the classes that figures are means over, as far as the truth contains them.
    """

    name: str
    kind: Kind
    threshold: float | None
    metrics: tuple[str, ...]
    images: tuple[ImageSums, ...]
    pooled: Mapping[str, float] = field(default_factory=dict)
    judged: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        ids = [image.id for image in self.images]
        if len(set(ids)) != len(ids):
            raise ValueError(f"'{self.name}' holds two photographs of one id")

    @property
    def patients(self) -> tuple[str, ...]:
        """Every patient once, in alphabetical order, so that nothing depends on the order of the photographs."""
        return tuple(sorted({image.patient for image in self.images}))


def write_sums(path: Path, systems: Sequence[SystemSums]) -> None:
    """Writes scores.npz, whole or not at all. The same sums give the same bytes."""
    arrays: dict[str, NDArray[Any]] = {"about": _text({"format": _FORMAT, "systems": [_about(s) for s in systems]})}
    for number, system in enumerate(systems):
        for name, array in _arrays(system).items():
            arrays[f"{number}/{name}"] = array
    memory = io.BytesIO()
    np.savez_compressed(memory, allow_pickle=False, **arrays)
    write_atomically(path, memory.getvalue())


def read_sums(path: Path) -> list[SystemSums]:
    """Reads scores.npz; InputError if it is missing, damaged, or no such file."""
    again = "Run `retseg evaluate` for this system again"
    if not path.is_file():
        raise InputError("the sums of this evaluation are missing", where=path, fix=again)
    try:
        with np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            about = json.loads(file["about"].tobytes())
            if about["format"] != _FORMAT:
                raise ValueError(f"format {about['format']}")
            return [_system(entry, _Arrays(file, number)) for number, entry in enumerate(about["systems"])]
    except _DAMAGE as error:
        raise InputError(f"this file of sums is damaged or foreign ({error})", where=path, fix=again) from error


# What a file with any bytes changed can raise on its way through zip, deflate, the array header, JSON and our checks.
_DAMAGE = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, SyntaxError, OSError, EOFError,
    MemoryError, RuntimeError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip


def _text(data: object) -> NDArray[np.uint8]:
    # ASCII, for a file name that is no valid Unicode must survive.
    return np.frombuffer(json.dumps(data, allow_nan=False, ensure_ascii=True).encode("ascii"), np.uint8)


def _about(system: SystemSums) -> dict[str, Any]:
    return {
        "name": system.name,
        "kind": system.kind,
        "threshold": None if system.threshold is None else float(system.threshold),
        "metrics": list(system.metrics),
        "pooled": {name: value for name, value in system.pooled.items() if math.isfinite(value)},
        "judged": list(system.judged),
        "images": [{"id": image.id, "patient": image.patient} for image in system.images],
    }


def _arrays(system: SystemSums) -> dict[str, NDArray[Any]]:
    """The system's numbers. Histograms are sparse: the occupied scores of all photographs one after another.

    `first[i]` to `first[i + 1]` is photograph i's part of them; -1 in `counts` says that there are none.
    """
    values = [[image.values.get(name, math.nan) for name in system.metrics] for image in system.images]
    counts = [(c.tp, c.fp, c.fn, c.tn) if (c := image.counts) else (-1,) * 4 for image in system.images]
    parts = [_sparse(image.histogram) for image in system.images]
    confusions = [image.confusion for image in system.images if image.confusion is not None]
    if confusions and len(confusions) < len(system.images):
        raise ValueError("some photographs have a confusion matrix and some have none")
    scores, pos, neg = (np.concatenate([part[k] for part in parts] or [np.zeros(0, np.int64)]) for k in range(3))
    return {
        "values": np.array(values, np.float64).reshape(len(system.images), len(system.metrics)),
        "counts": np.array(counts, np.int64).reshape(-1, 4),
        **({"confusion": np.array(confusions, np.int64)} if confusions else {}),
        "ranked": np.array([image.histogram is not None for image in system.images], np.bool_),
        "first": np.cumsum([0, *(len(part[0]) for part in parts)], dtype=np.int64),
        "scores": scores.astype(np.uint16),
        "pos": pos.astype(_smallest(pos)),
        "neg": neg.astype(_smallest(neg)),
    }


def _sparse(histogram: ScoreHistogram | None) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    if histogram is None:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing
    if len(histogram.pos) != LEVELS:
        raise ValueError("only histograms of all 16-bit scores are kept")
    occupied = np.flatnonzero(histogram.pos + histogram.neg)
    return occupied, histogram.pos[occupied], histogram.neg[occupied]


def _smallest(values: NDArray[np.int64]) -> np.dtype[Any]:
    return np.min_scalar_type(int(values.max(initial=0)))


@dataclass(frozen=True)
class _Arrays:
    file: Any
    number: int

    def has(self, name: str) -> bool:
        return f"{self.number}/{name}" in self.file

    def get(self, name: str, kinds: str) -> NDArray[Any]:
        array: NDArray[Any] = self.file[f"{self.number}/{name}"]
        if array.dtype.kind not in kinds:
            raise ValueError(f"{name} is {array.dtype}")
        return array


def _system(about: dict[str, Any], arrays: _Arrays) -> SystemSums:
    metrics, images = tuple(about["metrics"]), about["images"]
    if about["kind"] not in ("system", "observer"):
        raise ValueError(f"kind {about['kind']}")
    names = [about["name"], *metrics, *(image[key] for image in images for key in ("id", "patient"))]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("a name is no text")
    values, counts = arrays.get("values", "f"), arrays.get("counts", "i")
    if values.shape != (len(images), len(metrics)) or counts.shape != (len(images), 4):
        raise ValueError("lengths differ")
    threshold, judged = about["threshold"], tuple(map(int, about.get("judged", ())))
    confusions = _confusions(arrays, len(images), judged)
    sums = zip(images, counts.tolist(), _histograms(arrays, len(images)), values.tolist(), confusions, strict=True)
    pooled = {str(name): float(value) for name, value in about.get("pooled", {}).items()}
    return SystemSums(
        name=about["name"],
        kind=about["kind"],
        threshold=None if threshold is None else float(threshold),
        metrics=metrics,
        images=tuple(
            ImageSums(
                image["id"],
                image["patient"],
                Counts(*four) if min(four) >= 0 else None,
                histogram,
                dict(zip(metrics, row, strict=True)),
                confusion,
            )
            for image, four, histogram, row, confusion in sums
        ),
        pooled=pooled,
        judged=judged,
    )


def _confusions(arrays: _Arrays, images: int, judged: Sequence[int]) -> Sequence[NDArray[np.int64] | None]:
    if not arrays.has("confusion"):
        return [None] * images
    matrices = arrays.get("confusion", "i").astype(np.int64)
    count = matrices.shape[-1]
    if matrices.shape != (images, count, count) or not set(judged) <= set(range(count)) or (matrices < 0).any():
        raise ValueError("confusion matrices do not fit together")
    return list(matrices)


def _histograms(arrays: _Arrays, images: int) -> Iterator[ScoreHistogram | None]:
    ranked, first, scores = arrays.get("ranked", "b"), arrays.get("first", "i"), arrays.get("scores", "u")
    pos, neg = arrays.get("pos", "u"), arrays.get("neg", "u")
    fits = first.shape == (images + 1,) and ranked.shape == (images,) and scores.shape == pos.shape == neg.shape
    if not fits or first[0] != 0 or first[-1] != len(scores) or (np.diff(first) < 0).any() or scores.dtype.itemsize > 2:
        raise ValueError("histograms do not fit together")
    for has, (start, stop) in zip(ranked.tolist(), pairwise(first.tolist()), strict=True):
        if not has:
            yield None
            continue
        histogram = ScoreHistogram.empty()
        histogram.pos[scores[start:stop]] = pos[start:stop]
        histogram.neg[scores[start:stop]] = neg[start:stop]
        yield histogram
