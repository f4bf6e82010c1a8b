from __future__ import annotations

import json
import math
import pickle
import resource
import time
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.transform import resize
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    jaccard_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from retseg.core.types import Classes, ClassInfo
from retseg.datasets.base import VESSELS
from retseg.evaluation.traps import grown, trap_case, trap_table

THRESHOLD = 0.4
Eye = tuple[np.ndarray, np.ndarray, np.ndarray]


def made_eye(seed: int, shape: tuple[int, int] = (60, 75), fat: float = 0.0) -> Eye:
    """Scores, class map and field of view of a toy eye: curved vessels, a decent prediction, a few open pixels.

    `fat` widens the predicted vessels, in pixels.
    """
    rng = np.random.default_rng(seed)
    height, width = shape
    y, x = np.mgrid[:height, :width]
    distance = np.full(shape, np.inf)
    for _ in range(6):
        course = height * (rng.uniform(0.1, 0.9) + 0.15 * np.sin(x / width * rng.uniform(2, 9) + rng.uniform(0, 6)))
        distance = np.minimum(distance, np.abs(y - course) - rng.uniform(0.3, 1.5) * height / 60)
    fov = (y - height / 2) ** 2 + (x - width / 2) ** 2 < (0.45 * height) ** 2
    noise = ndimage.gaussian_filter(rng.normal(0, 1, shape), 1.2)
    logit = 1.5 * (fat - distance) + 2.5 * noise + rng.normal(0, 0.3, shape)
    probability = np.where(fov, 1 / (1 + np.exp(-np.clip(logit, -30, 30))), rng.uniform(0, 0.05, shape))
    label = np.where(fov, np.where(distance < 0, 1, 2), 0).astype(np.uint8)
    label[height // 2, width // 2 - 3 : width // 2 + 3] = VESSELS.ignore
    return np.rint(probability * 65535).astype(np.uint16), label, fov


def table_of(*eyes: Eye, threshold: float = THRESHOLD, honest: dict | None = None) -> dict[str, dict]:
    rows = trap_table([trap_case(*eye, VESSELS, threshold) for eye in eyes], honest or {})
    return {row["name"]: row for row in rows}


EYES = [made_eye(1), made_eye(2, (48, 64)), made_eye(3, (300, 280))]


class Naive:
    """The same pixels, put together as plain lists of scores, truths and decisions."""

    def __init__(self, parts: list[tuple[np.ndarray, np.ndarray]], threshold: float = THRESHOLD) -> None:
        self.scores = np.concatenate([scores.ravel() for scores, _ in parts]) / 65535
        self.truth = np.concatenate([truth.ravel() for _, truth in parts])
        self.marked = self.scores > threshold

    def auc(self) -> float:
        return roc_auc_score(self.truth, self.scores)

    def ap(self) -> float:
        return average_precision_score(self.truth, self.scores)

    def dice(self) -> float:
        return f1_score(self.truth, self.marked, zero_division=np.nan)

    def iou(self) -> float:
        return jaccard_score(self.truth, self.marked)

    def accuracy(self) -> float:
        return accuracy_score(self.truth, self.marked)

    def sensitivity(self) -> float:
        return recall_score(self.truth, self.marked)

    def specificity(self) -> float:
        return recall_score(~self.truth, ~self.marked)

    def precision(self) -> float:
        return precision_score(self.truth, self.marked)

    def figures(self, names) -> dict[str, float]:
        return {name: getattr(self, name)() for name in names}


def inside(eye: Eye) -> np.ndarray:
    return eye[2] & (eye[1] != VESSELS.ignore)


def naive_inside(eyes: list[Eye] = EYES, threshold: float = THRESHOLD) -> Naive:
    return Naive([(eye[0][inside(eye)], eye[1][inside(eye)] == 1) for eye in eyes], threshold)


def best_cut(naive: Naive) -> float:
    """The score above which the Dice is highest, each score tried by itself."""
    vessels = naive.truth.sum()
    cuts = np.unique(naive.scores)[:-1]
    marks = [naive.scores > cut for cut in cuts]
    dices = [2 * (mark & naive.truth).sum() / (mark.sum() + vessels) for mark in marks]
    return float(cuts[int(np.argmax(dices))])


def check(row: dict, naive: Naive, *names: str) -> None:
    assert tuple(row["figures"]) == names
    assert row["figures"] == pytest.approx(naive.figures(names), abs=1e-12)


class TestAgainstPlainRecomputation:
    def test_honest_figures(self):
        naive = naive_inside()
        for row in table_of(*EYES).values():
            assert row["honest"] == pytest.approx(naive.figures(row["honest"]), abs=1e-12)
            assert row["honest"].keys() == row["figures"].keys()

    def test_full_frame(self):
        parts = [(eye[0][eye[1] != 255], eye[1][eye[1] != 255] == 1) for eye in EYES]
        check(table_of(*EYES)["full_frame"], Naive(parts), "auc", "accuracy", "specificity", "dice")

    def test_labels_beyond_the_field_of_view_are_background_there(self):
        scores, label, fov = EYES[0]
        strange = np.where(fov, label, 1).astype(np.uint8)
        expected = table_of(EYES[0])
        assert table_of((scores, strange, fov))["full_frame"] == expected["full_frame"]
        assert table_of((scores, strange, fov))["dilated"] == expected["dilated"]

    def test_resized(self):
        parts = []
        for scores, label, fov in EYES:
            # scikit-image leaves out the smoothing only where it is told to.
            small = np.rint(resize(scores / 65535, (256, 256), order=1, mode="edge", anti_aliasing=False) * 65535)
            classes = resize(label, (256, 256), order=0, preserve_range=True, anti_aliasing=False)
            mask = resize(fov, (256, 256), order=0, anti_aliasing=False) & (classes != 255)
            parts.append((small[mask], classes[mask] == 1))
        row = table_of(*EYES)["resized"]
        assert tuple(row["figures"]) == ("dice", "auc", "sensitivity", "precision")
        # The nearest of two equally near pixels, and halves of a score, may fall otherwise there.
        assert row["figures"] == pytest.approx(Naive(parts).figures(row["figures"]), abs=2e-3)

    def test_dilated_and_tolerant(self):
        marked, fat, near = [], [], []
        for eye in EYES:
            counted, truth = inside(eye), (eye[1] == 1) & eye[2]
            mask = (eye[0] / 65535 > THRESHOLD) & counted
            fat_truth = ndimage.binary_dilation(truth, np.ones((3, 3)))
            marked.append(mask[counted])
            fat.append(fat_truth[counted])
            found = truth & ndimage.binary_dilation(mask, np.ones((3, 3)))
            near.append([(mask & fat_truth).sum(), mask.sum(), found.sum(), truth.sum()])
        mask, truth = np.concatenate(marked), np.concatenate(fat)
        table = table_of(*EYES)
        figures = {"dice": f1_score, "precision": precision_score, "sensitivity": recall_score}
        assert table["dilated"]["figures"] == pytest.approx({name: f(truth, mask) for name, f in figures.items()})
        hit, marks, found, drawn = np.sum(near, axis=0)
        precision, sensitivity = hit / marks, found / drawn
        assert table["tolerant"]["figures"] == pytest.approx(
            {
                "dice": 2 * precision * sensitivity / (precision + sensitivity),
                "precision": precision,
                "sensitivity": sensitivity,
            }
        )

    def test_thresholds(self):
        eyes = EYES[:2]
        table = table_of(*eyes)
        best_of_all = best_cut(naive_inside(eyes))
        assert table["threshold_on_test"]["figures"] == pytest.approx(
            naive_inside(eyes, best_of_all).figures(["dice", "iou"])
        )
        chosen = [naive_inside([eye], best_cut(naive_inside([eye]))) for eye in eyes]
        truth, marked = (np.concatenate([getattr(one, name) for one in chosen]) for name in ("truth", "marked"))
        assert table["threshold_per_image"]["figures"] == pytest.approx(
            {"dice": f1_score(truth, marked), "iou": jaccard_score(truth, marked)}
        )

    def test_eight_bits(self):
        parts = [(np.rint(eye[0][inside(eye)] / 257), eye[1][inside(eye)] == 1) for eye in EYES]
        check(table_of(*EYES)["eight_bits"], Naive(parts), "auc", "ap")

    def test_nothing(self):
        everything = [(0 * eye[0][eye[1] != 255], eye[1][eye[1] != 255] == 1) for eye in EYES]
        within = [(0 * eye[0][inside(eye)], eye[1][inside(eye)] == 1) for eye in EYES]
        names = ("accuracy", "specificity", "sensitivity", "dice")
        check(table_of(*EYES)["nothing"], Naive(within), *names)
        check(table_of(*EYES)["nothing_full_frame"], Naive(everything), *names)

    def test_averages_with_the_background(self):
        naive = naive_inside()
        for name, score in (("dice", f1_score), ("iou", jaccard_score)):
            two = score(naive.truth, naive.marked, average="macro")
            assert table_of(*EYES)["with_background"]["figures"][name] == pytest.approx(two)
            # Three classes: the outside is predicted as the field of view's mask has it.
            truth = np.concatenate([np.where(eye[2], eye[1], 0)[eye[1] != 255] for eye in EYES])
            marked = np.concatenate([
                np.where(eye[2], np.where(eye[0] / 65535 > THRESHOLD, 1, 2), 0)[eye[1] != 255] for eye in EYES
            ])  # fmt: skip
            three = score(truth, marked, average="macro")
            assert table_of(*EYES)["with_outside"]["figures"][name] == pytest.approx(three)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), height=st.integers(1, 12), width=st.integers(1, 12), share=st.floats(0, 1))
def test_grown_is_a_dilation_by_all_eight_neighbours(seed, height, width, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    np.testing.assert_array_equal(grown(mask), ndimage.binary_dilation(mask, np.ones((3, 3))))


@pytest.fixture(scope="module")
def table() -> dict[str, dict]:
    return table_of(*(made_eye(seed, (240, 260), fat=0.8) for seed in range(4)), threshold=0.5)


class TestDirections:
    """On a toy that looks like the real thing, each trap moves the figures the way that it is known for."""

    @pytest.mark.parametrize(
        ("name", "metrics"),
        [
            ("full_frame", ["auc", "accuracy", "specificity"]),
            ("threshold_per_image", ["dice"]),
            ("threshold_on_test", ["dice"]),
            ("with_background", ["dice", "iou"]),
            ("with_outside", ["dice", "iou"]),
            ("dilated", ["dice", "precision"]),
            ("tolerant", ["dice", "precision", "sensitivity"]),
        ],
    )
    def test_figures_rise(self, table, name, metrics):
        for metric in metrics:
            assert table[name]["figures"][metric] > table[name]["honest"][metric] + 1e-4

    def test_an_empty_prediction_looks_good(self, table):
        assert table["nothing"]["figures"]["accuracy"] > 0.7
        assert table["nothing_full_frame"]["figures"]["accuracy"] > table["nothing"]["figures"]["accuracy"] + 0.03
        assert table["nothing"]["figures"]["dice"] == table["nothing"]["figures"]["sensitivity"] == 0

    def test_a_threshold_for_each_photograph_beats_one_for_all(self, table):
        own, one = (table[f"threshold_{kind}"]["figures"]["dice"] for kind in ("per_image", "on_test"))
        assert own >= one

    def test_few_bits_move_the_auc_of_confident_scores(self):
        scores, label, fov = made_eye(5, (240, 260))
        confident = np.rint(65535 * (scores / 65535) ** 6).astype(np.uint16)
        row = table_of((confident, label, fov))["eight_bits"]
        assert abs(row["figures"]["auc"] - row["honest"]["auc"]) > 1e-3


class TestTable:
    def test_sums_are_addable_and_travel(self):
        sums = [trap_case(*eye, VESSELS, THRESHOLD) for eye in EYES]
        together = pickle.loads(pickle.dumps(reduce(add, sums)))
        assert trap_table([together], {}) == trap_table(sums, {})
        assert len(pickle.dumps(sums[0])) < 4_000_000

    def test_honest_figures_that_are_given_are_kept(self):
        table = table_of(*EYES, honest={"dice": 0.123, "auc": math.nan, "accuracy": None})
        assert table["full_frame"]["honest"]["dice"] == 0.123
        assert table["full_frame"]["honest"]["auc"] == pytest.approx(naive_inside().auc())

    def test_every_row_can_be_read_and_written(self):
        rows = trap_table([trap_case(*EYES[0], VESSELS, THRESHOLD)], {})
        json.dumps(rows, allow_nan=False)
        assert len({row["name"] for row in rows}) == len(rows) == 11
        for row in rows:
            assert set(row) == {"name", "title", "says", "figures", "honest"}
            assert row["says"].endswith(".")
            assert not row["title"].endswith(".")

    def test_masks_have_no_thresholds_and_no_ranking(self):
        scores, label, fov = EYES[0]
        mask = np.where(scores > 30000, np.uint16(65535), np.uint16(0))
        table = table_of((mask, label, fov))
        assert not {"threshold_per_image", "threshold_on_test", "eight_bits"} & set(table)
        assert not any("auc" in row["figures"] for row in table.values())
        assert table["full_frame"]["figures"]["accuracy"] > table["full_frame"]["honest"]["accuracy"]

    def test_a_field_of_view_that_fills_the_frame(self):
        scores, label, _ = EYES[0]
        table = table_of((scores, np.where(label == 0, 2, label).astype(np.uint8), np.ones(label.shape, bool)))
        assert not {"full_frame", "nothing_full_frame", "with_outside"} & set(table)

    def test_photographs_without_vessels_or_marks(self):
        scores, label, fov = EYES[0]
        bare = np.where(label == 1, 2, label).astype(np.uint8)
        json.dumps(trap_table([trap_case(scores, bare, fov, VESSELS, THRESHOLD)], {}), allow_nan=False)
        table = table_of((np.zeros_like(scores), bare, fov))
        assert table["tolerant"]["figures"] == {"dice": None, "precision": None, "sensitivity": None}
        assert table["with_background"]["figures"]["dice"] is None

    def test_no_photographs(self):
        assert trap_table([], {}) == []

    def test_needs_a_positive_class(self):
        five = Classes("five", (ClassInfo("a", (0, 0, 0)),))
        with pytest.raises(ValueError, match="positive class"):
            trap_case(*EYES[0], five, THRESHOLD)


def test_a_full_size_photograph_is_quick():
    """HRF's 3504x2336 pixels; the limit leaves room for a slow machine (measured: about 0.3 s on one core)."""
    rng = np.random.default_rng(0)
    shape = (2336, 3504)
    y, x = np.ogrid[: shape[0], : shape[1]]
    fov = (y - 1168) ** 2 + (x - 1752) ** 2 < 1150**2
    label = np.where(fov, np.where(rng.random(shape, np.float32) < 0.1, 1, 2), 0).astype(np.uint8)
    scores = rng.integers(0, 65536, shape, np.uint16)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    trap_case(scores, label, fov, VESSELS, 0.5)
    assert time.process_time() - start < 2.5
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 500
