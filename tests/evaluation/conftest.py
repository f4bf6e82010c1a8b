from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from retseg.core.types import CLASS_MAP, INSTANCES, Case, Classes, ClassInfo, Sample
from retseg.datasets.base import VESSELS
from retseg.datasets.prepared import PreparedSet, save_case
from retseg.imaging.config import InputConfig
from retseg.imaging.io import write_png
from retseg.imaging.maps import write_class_probabilities, write_probability
from retseg.inference.card import Card
from retseg.inference.config import PredictConfig

SHAPE = (24, 32)
FIVE = Classes(
    "five",
    tuple(ClassInfo(name, (10 * n, 0, 0)) for n, name in enumerate(["outside", "sky", "tree", "road", "cow"])),
    outside=0,
)


@dataclass
class Eye:
    """One photograph of a made-up set: its class maps, its field of view and what was predicted.

    `instances` are the true ids of things, `found` the predicted ones.
    """

    id: str
    patient: str
    label: np.ndarray | None
    fov: np.ndarray
    probability: np.ndarray | None = None
    classes: np.ndarray | None = None
    mask: np.ndarray | None = None
    observers: Mapping[str, np.ndarray] = field(default_factory=dict)
    split: str = "test"
    estimated: bool = False
    instances: np.ndarray | None = None
    found: np.ndarray | None = None


@dataclass
class Bench:
    """A prepared set on disk with a folder of predictions beside it."""

    prepared: PreparedSet
    predictions: Path
    out: Path


@pytest.fixture
def five() -> Classes:
    """Five classes, none of them positive; index 0 lies outside the field of view."""
    return FIVE


PHOTOGRAPHED = Classes(
    "photographed",
    tuple(ClassInfo(name, (10 * n, 5, 5)) for n, name in enumerate(["sky", "tree", "person", "cow"])),
    things=(2, 3),
    subject="photograph",
)
"""Classes without a field of view, two of them things. A void pixel has the ignore value, 255."""


@pytest.fixture
def photographed() -> Classes:
    """Four classes of everyday photographs, none of them positive or outside; persons and cows are things."""
    return PHOTOGRAPHED


@pytest.fixture
def make_photograph() -> Callable[..., Eye]:
    """A random class map of sky, tree and person, without a cow, with a void corner, and probabilities for it."""

    def make(identifier: str, seed: int = 0, shape: tuple[int, int] = SHAPE, **changes) -> Eye:
        rng = np.random.default_rng(seed)
        label = rng.choice([0, 1, 2], shape, p=[0.5, 0.3, 0.2]).astype(np.uint8)
        logits = rng.standard_normal((4, *shape)) + 1.5 * (label == np.arange(4)[:, None, None])
        classes = (np.exp(logits) / np.exp(logits).sum(axis=0)).astype(np.float32)
        label[:5, :7] = 255
        values = {
            "label": label,
            "fov": np.ones(shape, bool),
            "classes": classes,
            "mask": classes.argmax(axis=0).astype(np.uint8),
        }
        return Eye(identifier, identifier, **(values | changes))

    return make


@pytest.fixture
def make_eye() -> Callable[..., Eye]:
    """A random vessel label with a probability that knows something of it, in a round field of view."""

    def make(identifier: str, patient: str | None = None, seed: int = 0, **changes) -> Eye:
        rng = np.random.default_rng(seed)
        rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
        fov = (rows - 12) ** 2 + (columns - 16) ** 2 < 120
        vessel = rng.random(SHAPE) < 0.2
        second = vessel ^ (rng.random(SHAPE) < 0.05)
        probability = np.clip(0.3 * vessel + 0.35 + 0.2 * rng.standard_normal(SHAPE), 0, 1).astype(np.float32)
        values = {
            "label": class_map(vessel, fov),
            "fov": fov,
            "probability": probability,
            "observers": {"second": class_map(second, fov)},
        }
        return Eye(identifier, patient or identifier, **(values | changes))

    return make


def class_map(vessel: np.ndarray, fov: np.ndarray) -> np.ndarray:
    return np.where(fov, np.where(vessel, 1, 2), 0).astype(np.uint8)


@pytest.fixture
def make_bench(tmp_path: Path) -> Callable[..., Bench]:
    def make(eyes: list[Eye], classes: Classes = VESSELS, name: str = "eyes") -> Bench:
        folder, predictions = tmp_path / "prepared", tmp_path / "predictions"
        rows = tuple(save_case(folder, _case(eye)) for eye in eyes)
        for eye in eyes:
            if eye.probability is not None:
                write_probability(predictions / "prob" / f"{eye.id}.png", eye.probability)
            if eye.classes is not None:
                write_class_probabilities(predictions / "classes" / f"{eye.id}.nii.gz", eye.classes)
            if eye.mask is not None:
                write_png(predictions / "mask" / f"{eye.id}.png", eye.mask)
            if eye.found is not None:
                write_png(predictions / "instances" / f"{eye.id}.png", eye.found.astype(np.uint16))
        samples = tuple(row.sample(folder) for row in rows)
        return Bench(PreparedSet(folder, name, classes, rows, samples), predictions, tmp_path / "out")

    return make


def _case(eye: Eye) -> Case:
    labels = {} if eye.label is None else {"first": Path("as its owner ships it")}
    sample = Sample(eye.id, eye.patient, Path("photograph"), eye.split, labels=labels)
    targets = {} if eye.label is None else {CLASS_MAP: eye.label}
    if eye.instances is not None:
        targets[INSTANCES] = eye.instances
    image = np.zeros((*eye.fov.shape, 3), np.uint8)
    return Case(sample, image, eye.fov, targets, eye.observers, eye.estimated)


@pytest.fixture
def make_card() -> Callable[..., Card]:
    def make(**changes) -> Card:
        values = {"arch": "unet", "options": {}, "classes": VESSELS, "input": InputConfig(), "predict": PredictConfig()}
        return Card(**(values | changes))

    return make
