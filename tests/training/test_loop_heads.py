"""A net with a head, from id maps on disk to a trained net that predicts both."""

from pathlib import Path

import numpy as np
import pytest
import torch

from retseg.core.errors import InputError
from retseg.core.types import CLASS_MAP, INSTANCES, Case, Classes, ClassInfo, Sample
from retseg.imaging.config import InputConfig
from retseg.imaging.instances import depth
from retseg.inference.checkpoint import load_weights
from retseg.inference.config import PredictConfig
from retseg.inference.ensemble import Ensemble
from retseg.inference.predictor import Predictor
from retseg.models.config import ModelConfig
from retseg.postprocess.registry import separate
from retseg.training.config import AugmentConfig, SamplingConfig, TrainConfig
from retseg.training.images import TrainingImages
from retseg.training.job import Division, TrainJob
from retseg.training.loop import fit
from tests.training.conftest import save_set

CPU = torch.device("cpu")
DISCS = Classes(
    "discs", (ClassInfo("table", (0, 0, 0)), ClassInfo("disc", (200, 80, 0))), things=(1,), subject="photograph"
)


def disc_case(name, split, seed):
    """Two or three bright discs that touch on a dark table, each with a darker rim."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:72, :88]
    ids, image = np.zeros((72, 88), np.uint16), np.full((72, 88, 3), 40, np.uint8)
    for number in range(1, 3 + seed % 2):
        radius = rng.integers(11, 14)
        distance = np.hypot(y - (20 + 14 * (number % 2) + rng.integers(0, 10)), x - 22 * number + rng.integers(-2, 3))
        inside = distance < radius
        ids[inside] = number
        shade = np.clip(1.1 - distance[inside] / radius, 0.2, 1)
        image[inside] = (shade[:, None] * (230, 200, 120)).astype(np.uint8)
    image = np.clip(image + rng.integers(0, 12, image.shape), 0, 255).astype(np.uint8)
    sample = Sample(name, name, Path(f"{name}.png"), split, labels={"first": Path("first.png")})
    targets = {CLASS_MAP: (ids > 0).astype(np.uint8), INSTANCES: ids}
    return Case(sample, image, np.ones(ids.shape, bool), targets)


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    splits = ["train"] * 6 + ["validation"] * 2 + ["test"] * 2
    return save_set(
        tmp_path_factory.mktemp("discs"), DISCS, [disc_case(f"d{i}", split, i) for i, split in enumerate(splits)]
    )


def job(discs, out, **changes):
    values = {
        "prepared": discs, "out": out,
        "model": ModelConfig(arch="unet", options={"depth": 2, "width": 8}, heads=("distance",)),
        "train": TrainConfig(epochs=2, steps_per_epoch=150, batch=4, lr=1e-2, ema=0.0),
        "sampling": SamplingConfig(patch_size=48, balance=0.0),
        "augment": AugmentConfig.model_validate({"rotation": {"probability": 0.3}, "scale": {"probability": 0.3}}),
    }  # fmt: skip
    return TrainJob(**(values | changes))


@pytest.fixture(scope="module")
def trained(discs, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    return fit(job(discs, out)), load_weights(out / "best.safetensors", CPU, DISCS)


def test_the_targets_of_a_head_lie_behind_the_class_map(discs):
    heads = trained_heads()
    loaded = TrainingImages.load(discs, discs.split("train"), InputConfig(), CPU, heads=heads)
    case = discs.case(discs.split("train")[0])
    assert loaded.planes == 2
    assert np.array_equal(loaded.labels[0].numpy(), case.targets[CLASS_MAP])
    assert np.abs(loaded.targets[0][1].numpy() / 255 - depth(case.targets[INSTANCES])).max() < 0.003


def trained_heads():
    from retseg.models.heads import heads_of

    return heads_of(ModelConfig(heads=("distance",)))


def test_a_set_without_instances_cannot_teach_a_head(scenes, tmp_path):
    with pytest.raises(InputError, match="learns from single instances"):
        fit(job(scenes, tmp_path))


def test_the_owners_validation_photographs_judge(discs, trained):
    result, model = trained
    assert model.card.validation_patients == ("d6", "d7")
    assert result.facts["validation_images"] == 2
    assert len(Division.of(discs, 0.2, 0).train) == 6
    assert not Division.of(discs, 0.0, 0).validation


def test_discs_that_touch_are_told_apart(discs, trained):
    """Counted on the test photographs, by the net's depth and by what merely hangs together."""
    _, model = trained
    assert model.card.heads == ("distance",)
    predictor = Predictor(model, PredictConfig(), CPU)
    wrong = {"watershed": 0, "components": 0}
    for sample in discs.samples:
        case = discs.case(sample)
        (prediction,) = predictor.probabilities_of_many([(sample.id, case.image, case.fov)])
        assert prediction.probabilities.shape == (2, 72, 88)
        assert prediction.heads["distance"].shape == (1, 72, 88)
        class_map = prediction.probabilities.argmax(0).astype(np.uint8)
        truth = int(case.targets[INSTANCES].max())
        for way in wrong:
            wrong[way] += abs(int(separate(class_map, DISCS, prediction.heads, way).max()) - truth)
    print(f"discs miscounted in 10 photographs: {wrong}")
    assert wrong["watershed"] < 0.5 * wrong["components"]


def test_an_ensemble_averages_heads(discs, trained):
    _, model = trained
    one = Predictor(model, PredictConfig(), CPU)
    mirrored = Predictor(model, PredictConfig(flips=4), CPU)
    case = discs.case(discs.samples[0])
    photograph = ("a", case.image, case.fov)
    (mean,) = Ensemble([one, mirrored]).probabilities_of_many([photograph])
    parts = [next(iter(each.probabilities_of_many([photograph]))).heads["distance"] for each in (one, mirrored)]
    assert np.allclose(mean.heads["distance"], (parts[0] + parts[1]) / 2, atol=1e-6)


def test_classes_that_no_label_contains_are_named(scenes, tmp_path):
    """The fourth class of the scenes occurs nowhere."""
    result = fit(
        job(
            scenes, tmp_path, model=ModelConfig(arch="basic"), sampling=SamplingConfig(patch_size=32),
            train=TrainConfig(epochs=1, steps_per_epoch=1, batch=2),
        )
    )  # fmt: skip
    assert result.facts["unseen"] == ["boat"]
    assert load_weights(tmp_path / "best.safetensors", CPU).card.unseen == ("boat",)
