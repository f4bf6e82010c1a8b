from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retseg.evaluation.resampling import (
    draw_patients,
    mean_of_images,
    pooled_figures,
    resampled_means,
    resampled_pooled,
)
from retseg.evaluation.sums import ImageSums, SystemSums
from retseg.metrics.counts import Counts
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import LEVELS, ScoreHistogram
from retseg.metrics.registry import METRICS
from tests.evaluation.made_up import ALL, COUNTS, SCORES, SHAPE, made_up, with_values


def times(draws):
    return draws.times[draws.which]


def test_as_many_patients_are_drawn_as_there_are():
    draws = draw_patients([str(n) for n in range(7)], 500, seed=3)
    assert times(draws).shape == (500, 7)
    assert (times(draws).sum(axis=1) == 7).all()
    assert times(draws).mean() == 1


def test_each_patient_is_drawn_equally_often():
    share = times(draw_patients("abcd", 20_000, seed=0))
    # How often a patient is in a draw is binomial(4, 1/4): mean 1, variance 3/4.
    np.testing.assert_allclose(share.mean(axis=0), 1, atol=4 * np.sqrt(0.75 / 20_000))
    np.testing.assert_allclose(share.var(axis=0), 0.75, rtol=0.05)


def test_the_draws_follow_from_the_names_and_the_seed():
    draws = draw_patients("abcde", 100, seed=5)
    other = draw_patients("edcbaabc", 100, seed=5)
    assert other.patients == draws.patients == tuple("abcde")
    np.testing.assert_array_equal(times(other), times(draws))
    assert not np.array_equal(times(draw_patients("abcde", 100, seed=6)), times(draws))
    # Fixed once and for all: PCG64's stream is the same on every machine.
    assert times(draws)[:3].tolist() == [[1, 0, 1, 1, 2], [1, 1, 1, 1, 1], [1, 2, 2, 0, 0]]


def test_four_patients_can_be_drawn_in_35_ways():
    assert len(draw_patients("abcd", 10_000, seed=0).times) == 35


def drawn_images(sums, row, draws):
    for patient, often in zip(draws.patients, row, strict=True):
        for _ in range(often):
            yield from (image for image in sums.images if image.patient == patient)


def test_pooled_counts_are_those_of_the_patients_drawn():
    sums = made_up(patients=5, eyes=2)
    draws = draw_patients(sums.patients, 60, seed=1)
    resampled = resampled_pooled(sums, ALL, draws)
    assert set(resampled) == {metric.name for metric in [*COUNTS, *SCORES]}
    for number, row in enumerate(times(draws)):
        total = sum((image.counts for image in drawn_images(sums, row, draws)), Counts())
        for metric in COUNTS:
            assert resampled[metric.name][number] == metric.function(total)


@pytest.mark.parametrize(
    ("patients", "pixels", "spread", "seed"),
    [(5, 3000, 0.5, 0), (12, 30_000, 1.0, 0), (12, 30_000, 1.0, 1), (4, 30_000, 1.0, 1), (3, 300, 0.0, 0)],
)
def test_merging_scores_moves_no_figure_by_a_ten_thousandth(patients, pixels, spread, seed):
    sums = made_up(patients=patients, pixels=pixels, spread=spread, seed=seed)
    draws = draw_patients(sums.patients, 25, seed=1)
    resampled = resampled_pooled(sums, SCORES, draws)
    for number, row in enumerate(times(draws)):
        total = sum((image.histogram for image in drawn_images(sums, row, draws)), ScoreHistogram.empty())
        for metric in SCORES:
            assert resampled[metric.name][number] == pytest.approx(metric.function(total), abs=1e-4), metric.name


def test_a_perfect_system_stays_perfect():
    pos, neg = np.zeros(LEVELS, np.int64), np.zeros(LEVELS, np.int64)
    pos[40_000:], neg[:30_000] = 1, 1
    sums = made_up(patients=4)
    sums = replace(sums, images=tuple(replace(i, histogram=ScoreHistogram(pos, neg)) for i in sums.images))
    resampled = resampled_pooled(sums, SCORES, draw_patients(sums.patients, 200, seed=0))
    assert (resampled["auc"] == 1).all()
    assert (resampled["ap"] == 1).all()


def test_the_shift_that_makes_up_for_merging_keeps_to_the_range():
    sums = made_up(patients=5)
    positives = sum(image.histogram.positives for image in sums.images)

    def suffers_from_merging(histogram):
        return 1.0 if len(histogram.level) == LEVELS or histogram.positives > positives else 0.5

    metric = replace(SHAPE, needs="scores", range=(0.0, 1.0), function=suffers_from_merging)
    resampled = resampled_pooled(sums, [metric], draw_patients(sums.patients, 100, seed=0))
    assert (resampled[SHAPE.name] == 1).all()


def test_a_metric_of_others_is_resampled_like_ours():
    def best_dice(histogram):
        return histogram.best_dice_threshold()[1]

    changes = {"range": (0.0, 1.0), "function": best_dice, "needs": "scores"}
    theirs = replace(SHAPE, name="best", **changes)
    youden = replace(
        SHAPE, name="youden", needs="counts", function=lambda counts: counts.sensitivity() + counts.specificity() - 1
    )
    sums = made_up(patients=6)
    resampled = resampled_pooled(sums, [theirs, youden], draw_patients(sums.patients, 50, seed=0))
    assert isinstance(theirs, Metric)
    assert np.abs(resampled["best"].mean() - pooled_figures(sums, [theirs])["best"]) < 0.05
    assert resampled["youden"].std() > 0


def test_nothing_is_pooled_that_is_not_there():
    sums = made_up(patients=3)
    binary = replace(sums, images=(replace(sums.images[0], histogram=None), *sums.images[1:]))
    draws = draw_patients(sums.patients, 10, seed=0)
    assert set(resampled_pooled(binary, ALL, draws)) == {metric.name for metric in COUNTS}
    assert np.isnan(pooled_figures(binary, ALL)["auc"])
    assert np.isnan(pooled_figures(sums, ALL)[SHAPE.name])
    assert pooled_figures(binary, ALL)["dice"] == pooled_figures(sums, ALL)["dice"]


def test_pooled_figures_are_exact():
    sums = made_up(patients=4, eyes=2)
    histogram = sum((image.histogram for image in sums.images), ScoreHistogram.empty())
    assert pooled_figures(sums, ALL)["auc"] == histogram.roc_auc()
    assert pooled_figures(sums, ALL)["mcc"] == histogram.counts_at(0.5).mcc()


def test_means_weigh_photographs_and_leave_undefined_ones_out():
    values, owners = np.array([1.0, 2.0, np.nan, 10.0, np.inf]), ["a", "a", "b", "c", "c"]
    draws = draw_patients(owners, 300, seed=2)
    means = resampled_means(values, owners, draws)
    for row, found in zip(times(draws), means, strict=True):
        known = [1.0, 2.0] * row[0] + [10.0] * row[2]
        assert found == pytest.approx(np.mean(known)) if known else np.isnan(found)
    assert np.isnan(means).any()


def test_the_mean_of_images_leaves_undefined_ones_out():
    sums = made_up(patients=2)
    images = tuple(
        replace(image, values={"dice": value}) for image, value in zip(sums.images, (0.5, np.nan), strict=True)
    )
    figures = mean_of_images(replace(sums, images=images), ALL)
    assert figures["dice"] == 0.5
    assert np.isnan(figures["auc"])


def test_pooled_figures_of_several_classes_are_those_that_were_handed_on():
    sums = with_values({"1": [0.4], "2": [0.6]}, "iou")
    iou = METRICS.get("iou")
    assert np.isnan(pooled_figures(sums, [iou])["iou"])
    assert pooled_figures(replace(sums, pooled={"iou": 0.45}), [iou]) == {"iou": 0.45}
    counted = made_up(patients=2)
    assert pooled_figures(replace(counted, pooled={"iou": 0.1}), [iou])["iou"] != 0.1, "counts are exact"


def several_classes(patients=5, eyes=2, judged=(0, 1, 2), seed=0):
    """Confusion matrices of three classes, one of which only the first patient's photographs show."""
    rng = np.random.default_rng(seed)
    images = []
    for patient in range(patients):
        for eye in range(eyes):
            matrix = rng.integers(1, 50, (3, 3)) + 60 * np.eye(3, dtype=np.int64)
            if patient:
                matrix[2] = 0
            images.append(ImageSums(f"{patient}-{eye}", f"child {patient}", None, None, {}, matrix))
    return SystemSums("net", "system", None, ("iou", "accuracy"), tuple(images), judged=judged)


@pytest.mark.parametrize("judged", [(0, 1, 2), (0, 2)])
def test_several_classes_are_pooled_over_the_patients_drawn(judged):
    sums = several_classes(judged=judged)
    draws = draw_patients(sums.patients, 40, 1)
    found = resampled_pooled(sums, [METRICS.get("iou"), METRICS.get("accuracy"), METRICS.get("ap")], draws)
    assert set(found) == {"iou", "accuracy"}
    for number, times in enumerate(draws.times[draws.which]):
        drawn = sum(times[draws.patients.index(image.patient)] * image.confusion for image in sums.images)
        there = [k for k in judged if drawn[k].sum()]
        iou = [drawn[k, k] / (drawn[k].sum() + drawn[:, k].sum() - drawn[k, k]) for k in there]
        assert found["iou"][number] == pytest.approx(np.mean(iou))
        assert found["accuracy"][number] == pytest.approx(np.trace(drawn) / drawn.sum())
    assert len({len([k for k in judged if k < 2 or times[0]]) for times in draws.times}) == 2, "some lack a class"


def test_draws_of_nothing_but_void_are_undefined():
    sums = several_classes(patients=2, eyes=1)
    void = replace(sums.images[1], confusion=np.zeros((3, 3), np.int64))
    draws = draw_patients(sums.patients, 50, 0)
    found = resampled_pooled(replace(sums, images=(sums.images[0], void)), [METRICS.get("accuracy")], draws)
    drawn_at_all = draws.times[draws.which][:, 0] > 0
    np.testing.assert_array_equal(np.isfinite(found["accuracy"]), drawn_at_all)
