from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retseg.core.errors import ConfigError, OutputError
from retseg.core.types import Classes, ClassInfo, OperatingPoint
from retseg.datasets.base import VESSELS
from retseg.imaging.instances import depth
from retseg.imaging.io import read_image, read_label
from retseg.imaging.maps import read_class_probabilities, read_probability
from retseg.inference.prediction import Prediction
from retseg.inference.writer import PredictionWriter, write_operating_point
from retseg.metrics.ranking import LEVELS, quantise, score_histogram

SHAPE = (40, 30)


@pytest.fixture
def fov():
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return (rows - 20) ** 2 + (columns - 15) ** 2 < 150


@pytest.fixture
def image():
    return np.full((*SHAPE, 3), 90, np.uint8)


def random_probabilities(classes, seed=0):
    raw = np.random.default_rng(seed).random((classes.count, *SHAPE), dtype=np.float32) ** 3
    return raw / raw.sum(axis=0)


def test_a_vessel_prediction_becomes_files(tmp_path, image, fov):
    probabilities = random_probabilities(VESSELS)
    PredictionWriter(tmp_path, VESSELS, 0.3, all_classes=False).write(
        Prediction("left/eye.1", image, fov, probabilities)
    )
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == [f"{kind}/left/eye.1.png" for kind in ("fov", "mask", "overlay", "prob")]
    stored = read_probability(tmp_path / "prob/left/eye.1.png")
    np.testing.assert_allclose(stored, probabilities[1], atol=0.5 / 65535 + 1e-7)
    assert stored[~fov].max() > 0.5, "the probability goes on outside the field of view"
    mask = read_label(tmp_path / "mask/left/eye.1.png")
    np.testing.assert_array_equal(mask, np.where((stored > 0.3) & fov, 255, 0))
    np.testing.assert_array_equal(read_label(tmp_path / "fov/left/eye.1.png") > 0, fov)
    overlay = read_image(tmp_path / "overlay/left/eye.1.png")
    np.testing.assert_array_equal(overlay[mask == 0], image[mask == 0])
    assert (overlay[mask > 0] != image[mask > 0]).any(axis=1).all()


@given(level=st.integers(0, LEVELS - 1), nudge=st.sampled_from([-0.5, -1e-9, 0, 1e-9, 0.5]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mask_file_and_score_counts_agree_at_any_threshold(tmp_path, level, nudge):
    threshold = min(max((level + nudge) / (LEVELS - 1), 0), 1)
    near = np.clip(np.arange(level - 600, level + 600), 0, LEVELS - 1).reshape(SHAPE) / (LEVELS - 1)
    probabilities = np.stack([np.zeros(SHAPE), near, 1 - near]).astype(np.float32)
    whole = np.ones(SHAPE, bool)
    photograph = np.zeros((*SHAPE, 3), np.uint8)
    PredictionWriter(tmp_path, VESSELS, threshold, False, overlay=False).write(
        Prediction("x", photograph, whole, probabilities)
    )
    marked = read_label(tmp_path / "mask/x.png") > 0
    counts = score_histogram(quantise(read_probability(tmp_path / "prob/x.png")), whole).counts_at(threshold)
    assert int(marked.sum()) == counts.tp


def test_all_classes_on_request(tmp_path, image, fov):
    probabilities = random_probabilities(VESSELS)
    PredictionWriter(tmp_path, VESSELS, 0.3, all_classes=True).write(Prediction("a", image, fov, probabilities))
    np.testing.assert_allclose(read_class_probabilities(tmp_path / "classes/a.nii.gz"), probabilities, atol=1e-5)


def test_without_an_overlay(tmp_path, image, fov):
    PredictionWriter(tmp_path, VESSELS, 0.3, False, overlay=False).write(
        Prediction("a", image, fov, random_probabilities(VESSELS))
    )
    assert not (tmp_path / "overlay").exists()


def test_a_task_with_several_classes_becomes_an_index_map(tmp_path, scene, image, fov):
    probabilities = random_probabilities(scene)
    PredictionWriter(tmp_path, scene, None, all_classes=False).write(Prediction("a", image, fov, probabilities))
    assert not (tmp_path / "prob").exists()
    stored = read_class_probabilities(tmp_path / "classes/a.nii.gz")
    mask = read_label(tmp_path / "mask/a.png")
    np.testing.assert_array_equal(mask, np.where(fov, stored.argmax(axis=0), scene.ignore))
    overlay = read_image(tmp_path / "overlay/a.png")
    np.testing.assert_array_equal(overlay[~fov], image[~fov])
    for index, item in enumerate(scene.items):
        expected = np.rint(45 + np.array(item.colour) / 2)
        assert (np.abs(overlay[mask == index] - expected) <= 1).all()


def test_a_mask_needs_a_threshold(tmp_path):
    with pytest.raises(ConfigError, match="threshold"):
        PredictionWriter(tmp_path, VESSELS, None, all_classes=False)


def test_a_place_that_cannot_be_written(tmp_path, image, fov):
    (tmp_path / "prob").write_text("a file where a folder should be")
    with pytest.raises(OutputError):
        PredictionWriter(tmp_path, VESSELS, 0.3, False).write(
            Prediction("a", image, fov, random_probabilities(VESSELS))
        )


def test_the_operating_point_lies_beside_the_predictions(tmp_path):
    point = OperatingPoint(0.4321, "highest pooled Dice", "eyes", "validation", ("3",), 0.8)
    write_operating_point(tmp_path, point)
    assert OperatingPoint.from_json(json.loads((tmp_path / "operating_point.json").read_text())) == point
    write_operating_point(tmp_path / "none", None)
    assert not (tmp_path / "none").exists()


FIGURES = Classes("figures", (ClassInfo("ground", (0, 0, 0)), ClassInfo("figure", (230, 80, 0))), things=(1,))


def touching_discs():
    """Probabilities of two discs that touch, and how deep inside its disc each pixel lies."""
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    ids = np.zeros(SHAPE, np.uint16)
    ids[(rows - 12) ** 2 + (columns - 15) ** 2 < 80] = 1
    ids[(rows - 27) ** 2 + (columns - 15) ** 2 < 70] = 2
    figure = np.where(ids > 0, 0.9, 0.1).astype(np.float32)
    return ids, np.stack([1 - figure, figure]), depth(ids)[None]


@pytest.mark.parametrize(("separation", "count"), [(None, 2), ("watershed", 2), ("components", 1)])
def test_things_are_told_apart(tmp_path, image, separation, count):
    ids, probabilities, deep = touching_discs()
    writer = PredictionWriter(tmp_path, FIGURES, None, False, (separation, {}))
    writer.write(Prediction("street/a", image, np.ones(SHAPE, bool), probabilities, {"distance": deep}))
    found = read_label(tmp_path / "instances/street/a.png")
    assert found.max() == count
    np.testing.assert_array_equal(found > 0, ids > 0)
    overlay = read_image(tmp_path / "overlay/street/a.png")
    assert (overlay == 255).all(axis=2).any(), "figures are outlined"


def test_a_task_without_things_has_no_instances(tmp_path, image, fov):
    PredictionWriter(tmp_path, VESSELS, 0.3, False).write(Prediction("a", image, fov, random_probabilities(VESSELS)))
    assert not (tmp_path / "instances").exists()


def test_things_of_a_positive_class(tmp_path, image):
    """Where a threshold decides, the instances lie in the mask that it makes."""
    _, probabilities, deep = touching_discs()
    classes = replace(FIGURES, positive=1)
    writer = PredictionWriter(tmp_path, classes, 0.5, False)
    writer.write(Prediction("a", image, np.ones(SHAPE, bool), probabilities, {"distance": deep}))
    found, mask = read_label(tmp_path / "instances/a.png"), read_label(tmp_path / "mask/a.png")
    np.testing.assert_array_equal(found > 0, mask > 0)
    assert found.max() == 2


def test_uncertainty_is_the_entropy_of_the_positive_class(tmp_path, image, fov):
    """The reference is scipy's; nothing and everything are sure, one half is as unsure as can be."""
    from scipy.special import entr

    probabilities = random_probabilities(VESSELS)
    probabilities[:, 0, :3] = [[0.2, 0.5, 0.0], [0.0, 0.5, 1.0], [0.8, 0.0, 0.0]]
    for name, planes in (("all", probabilities), ("alone", probabilities[1:2])):
        PredictionWriter(tmp_path, VESSELS, 0.3, False, uncertainty=True).write(Prediction(name, image, fov, planes))
        found = read_probability(tmp_path / f"uncertainty/{name}.png")
        p = probabilities[1].astype(np.float64)
        np.testing.assert_allclose(found, (entr(p) + entr(1 - p)) / np.log(2), atol=2e-4)
        np.testing.assert_array_equal(found[0, :3], [0, 1, 0])


def test_uncertainty_of_many_classes(tmp_path, image, fov, scene):
    from scipy.stats import entropy as reference

    probabilities = random_probabilities(scene)
    PredictionWriter(tmp_path, scene, None, False, uncertainty=True).write(Prediction("a", image, fov, probabilities))
    expected = reference(probabilities.astype(np.float64), base=scene.count)
    np.testing.assert_allclose(read_probability(tmp_path / "uncertainty/a.png"), expected, atol=1e-4)


def test_a_prediction_of_nothing_marks_nothing(image, fov):
    every = Prediction("a", image, fov, random_probabilities(VESSELS)).of_nothing(VESSELS)
    alone = Prediction("a", image, fov, random_probabilities(VESSELS)[1:2]).of_nothing(VESSELS)
    np.testing.assert_array_equal(every.positive(VESSELS), 0)
    np.testing.assert_array_equal(every.probabilities.sum(axis=0), 1)
    np.testing.assert_array_equal(alone.positive(VESSELS), 0)


@pytest.mark.parametrize("threshold", [0.0, 0.25, 21845 / 65535, 0.5, 0.8999])
def test_specks_are_in_no_mask_however_it_is_made(tmp_path, image, threshold):
    everywhere = np.ones(SHAPE, bool)
    vessel = np.zeros(SHAPE, np.float32)
    vessel[5:35, 10], vessel[20:22, 20:22] = 0.95, 0.9
    prediction = Prediction("eye", image, everywhere, vessel[None])
    PredictionWriter(tmp_path, VESSELS, threshold, all_classes=False, specks=1e6 * 10 / vessel.size).write(prediction)
    stored, mask = read_probability(tmp_path / "prob/eye.png"), read_label(tmp_path / "mask/eye.png") > 0
    assert mask.sum() == 30
    np.testing.assert_array_equal(stored > threshold, mask)
    assert stored[20, 20] == pytest.approx(threshold, abs=1 / 65535), "no lower than it takes"


@pytest.mark.parametrize("threshold", [0.25, 21845 / 65535, 0.5])
def test_a_small_piece_near_a_vessel_is_joined_to_it_and_stays(tmp_path, image, threshold):
    everywhere = np.ones(SHAPE, bool)
    vessel = np.zeros(SHAPE, np.float32)
    vessel[5:20, 10], vessel[22:26, 10], vessel[20:22, 20:22] = 0.95, 0.9, 0.9
    # A gap in which the net half believes.
    vessel[20:22, 10] = 0.7 * threshold
    prediction = Prediction("eye", image, everywhere, vessel[None])
    reach = 1000 * 3 / np.sqrt(4 * vessel.size / np.pi)
    settings = {"specks": 1e6 * 10 / vessel.size, "gaps": reach}
    PredictionWriter(tmp_path, VESSELS, threshold, all_classes=False, **settings).write(prediction)
    stored, mask = read_probability(tmp_path / "prob/eye.png"), read_label(tmp_path / "mask/eye.png") > 0
    assert mask[5:26, 10].all()
    assert mask.sum() == 21
    np.testing.assert_array_equal(stored > threshold, mask)
