from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from retseg.core.manifest import Manifest
from retseg.core.types import CLASS_MAP, Case, Classes, ClassInfo, Sample
from retseg.datasets.prepared import PreparedSet, save_case, write_index
from retseg.imaging.config import InputConfig
from retseg.models.config import ModelConfig
from retseg.training.augment import Augmentation, draw
from retseg.training.config import AugmentConfig, SamplingConfig, TrainConfig
from retseg.training.images import TrainingImages
from retseg.training.job import TrainJob
from retseg.training.randomness import Purpose, generator
from retseg.training.recipes import RECIPES

VESSELS = Classes(
    "vessels",
    (ClassInfo("outside", (0, 0, 0)), ClassInfo("vessel", (255, 0, 0)), ClassInfo("retina", (0, 0, 255))),
    positive=1,
    outside=0,
)
SCENE = Classes("scene", tuple(ClassInfo(name, (i, i, i)) for i, name in enumerate(("sky", "sea", "sand", "boat"))))


def vessel_case(name: str, patient: str, split: str, shape=(72, 80), seed=0, labelled=True) -> Case:
    """A bright disc crossed by dark lines, three pixels wide, which are the vessels."""
    height, width = shape
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    fov = (y - height / 2) ** 2 + (x - width / 2) ** 2 < (min(shape) / 2 - 2) ** 2
    vessel = np.zeros(shape, bool)
    for _ in range(4):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-15, 15)
        vessel |= np.abs((y - height / 2) * np.cos(angle) + (x - width / 2) * np.sin(angle) - offset) < 1.5
    vessel &= fov
    image = np.zeros((*shape, 3), np.uint8)
    image[fov] = (180, 110, 60)
    image[vessel] = (110, 40, 30)
    image = np.clip(image + rng.integers(0, 12, image.shape), 0, 255).astype(np.uint8)
    label = np.where(~fov, 0, np.where(vessel, 1, 2)).astype(np.uint8)
    labels = {"first": Path("first.png")} if labelled else {}
    sample = Sample(name, patient, Path(f"{name}.png"), split, labels=labels)
    return Case(sample, image, fov, {CLASS_MAP: label} if labelled else {})


def scene_case(name: str, patient: str, split: str, seed=0) -> Case:
    """Horizontal bands of three classes; the fourth occurs nowhere. A corner takes part in nothing."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.array([0, 1, 2], np.uint8), 24)[:, None].repeat(64, 1)
    image = np.array([(90, 140, 220), (20, 60, 110), (200, 180, 120)], np.uint8)[label]
    image = (image + rng.integers(0, 20, image.shape)).astype(np.uint8)
    label[:8, :8] = SCENE.ignore
    sample = Sample(name, patient, Path(f"{name}.png"), split, labels={"first": Path("first.png")})
    return Case(sample, image, np.ones(label.shape, bool), {CLASS_MAP: label})


def save_set(folder: Path, classes: Classes, cases: list[Case]) -> PreparedSet:
    write_index(folder, [save_case(folder, case) for case in cases])
    facts = {"dataset": "little", "classes": classes.to_json()}
    Manifest("prepare", 1, "key", {}, {}, {}, {}, facts).write(folder)
    return PreparedSet.open(folder)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Nets this small are faster with one thread, and the machine may have others to serve."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def nothing() -> AugmentConfig:
    """No augmentation."""
    return AugmentConfig.model_validate(RECIPES["lecture"]["augment"])


@pytest.fixture(scope="session")
def drawn(nothing: AugmentConfig) -> Callable[..., Augmentation]:
    """Makes what is drawn for some patches: nothing happens to them but what is named."""

    def make(patches: int = 1, **changes: object) -> Augmentation:
        neutral = draw(nothing, patches, generator(0, Purpose.AUGMENTATION))
        values = {name: getattr(neutral, name) for name in Augmentation.__dataclass_fields__}
        return Augmentation(**values | {name: np.asarray(value) for name, value in changes.items()})

    return make


@pytest.fixture(scope="session")
def make_set(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Case]], PreparedSet]:
    """Prepares a set of vessel cases."""
    return lambda cases: save_set(tmp_path_factory.mktemp("set"), VESSELS, cases)


@pytest.fixture(scope="session")
def make_case() -> Callable[..., Case]:
    return vessel_case


@pytest.fixture(scope="session")
def vessels(make_set: Callable[[list[Case]], PreparedSet]) -> PreparedSet:
    """Four patients to train on, one of them with both eyes, and two to test on; the sizes differ."""
    return make_set(
        [
            vessel_case("a", "p1", "train", seed=1),
            vessel_case("b", "p2", "train", (80, 72), seed=2),
            vessel_case("c", "p3", "train", (90, 96), seed=3),
            vessel_case("d", "p3", "train", (90, 96), seed=4),
            vessel_case("sub/e", "p4", "train", seed=5),
            vessel_case("y", "p5", "test", seed=6),
            vessel_case("sub/z", "p6", "test", (64, 100), seed=7),
        ]
    )


@pytest.fixture(scope="session")
def one_patient(make_set: Callable[[list[Case]], PreparedSet]) -> PreparedSet:
    """Both eyes of a single patient."""
    return make_set([vessel_case("left", "p1", "train", seed=1), vessel_case("right", "p1", "train", seed=2)])


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    """A task without a positive class."""
    cases = [scene_case(f"s{i}", f"p{i}", "train" if i < 3 else "test", seed=i) for i in range(4)]
    return save_set(tmp_path_factory.mktemp("scenes"), SCENE, cases)


@pytest.fixture(scope="session")
def images(vessels: PreparedSet) -> TrainingImages:
    """The training photographs of `vessels`, at native size and uncropped."""
    config = InputConfig(normalise="unit", crop=False)
    return TrainingImages.load(vessels, vessels.split("train"), config, torch.device("cpu"))


@pytest.fixture(scope="session")
def make_tiny_job(vessels: PreparedSet) -> Callable[[Path], TrainJob]:
    """A training of a second: dropout, moving average, augmentation and validation are all on."""
    return lambda out: TrainJob(
        prepared=vessels,
        out=out,
        model=ModelConfig(arch="unet", options={"depth": 1, "width": 4, "dropout": 0.1}),
        train=TrainConfig(epochs=3, steps_per_epoch=3, batch=3, ema=0.9, lr=1e-2),
        sampling=SamplingConfig(patch_size=32),
        augment=AugmentConfig.model_validate({"blur": {"probability": 0.5}, "noise": {"probability": 0.5}}),
        seed=3,
        checkpoint_seconds=0.0,
    )


@pytest.fixture
def tiny_job(make_tiny_job: Callable[[Path], TrainJob], tmp_path: Path) -> TrainJob:
    return make_tiny_job(tmp_path / "run")
