from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from retseg.evaluation.bootstrap import MIN_PATIENTS, interval_of, intervals
from retseg.evaluation.resampling import pooled_figures
from retseg.metrics.counts import Counts
from tests.evaluation.made_up import ALL, COUNTS, SCORES, SHAPE, made_up, with_values


def brute_force(sums, statistic, resamples=4000, seed=99):
    """The interval by a loop over drawn patients, with other draws."""
    rng = np.random.default_rng(seed)
    images = {name: [image for image in sums.images if image.patient == name] for name in sums.patients}
    names = list(images)
    values = [
        statistic([i for k in rng.integers(len(names), size=len(names)) for i in images[names[k]]])
        for _ in range(resamples)
    ]
    return np.percentile(values, [2.5, 97.5])


def test_the_intervals_are_those_of_a_loop_over_drawn_patients():
    sums = made_up(patients=9, eyes=2)
    found = intervals(sums, COUNTS, resamples=8000)
    for name in ("dice", "specificity"):

        def pooled(images, name=name):
            return getattr(sum((image.counts for image in images), Counts()), name)()

        def mean(images, name=name):
            return np.mean([image.values[name] for image in images])

        for statistic, interval in ((pooled, found.pooled[name]), (mean, found.per_image_mean[name])):
            expected = brute_force(sums, statistic)
            # Two sets of thousands of draws agree to a few hundredths of the width.
            np.testing.assert_allclose(interval, expected, atol=0.06 * (expected[1] - expected[0]))


def test_the_interval_of_a_mean_is_scipys():
    values = np.random.default_rng(0).normal(size=15)
    found = intervals(with_values({str(n): [v] for n, v in enumerate(values)}), [SHAPE], resamples=10_000)
    theirs = scipy.stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=1)
    low, high = theirs.confidence_interval
    np.testing.assert_allclose(found.per_image_mean[SHAPE.name], (low, high), atol=0.04 * (high - low))


def test_every_figure_lies_in_its_interval_and_shapes_are_not_pooled():
    sums = made_up(patients=10)
    found = intervals(sums, ALL, resamples=1000)
    for metric in [*SCORES, *COUNTS]:
        low, high = found.pooled[metric.name]
        assert low < pooled_figures(sums, [metric])[metric.name] < high
    assert found.pooled[SHAPE.name] is None
    assert found.per_image_mean[SHAPE.name] is not None


def test_the_seed_decides_and_the_order_of_photographs_does_not():
    sums = made_up(patients=6, eyes=2)
    first = intervals(sums, ALL, resamples=300, seed=4).to_json()
    again = intervals(replace(sums, images=sums.images), ALL, resamples=300, seed=4).to_json()
    assert again == first
    turned = intervals(replace(sums, images=sums.images[::-1]), ALL, resamples=300, seed=4).to_json()
    for view in ("pooled", "per_image_mean"):
        for name, interval in first[view].items():
            assert turned[view][name] == (None if interval is None else pytest.approx(interval, abs=1e-12))
    assert intervals(sums, ALL, resamples=300, seed=5).to_json()["pooled"] != first["pooled"]


def test_both_eyes_of_a_patient_are_drawn_together():
    """Two eyes that are alike are no more evidence than one; a bootstrap over images would shrink by sqrt(2)."""
    rng = np.random.default_rng(0)
    values = {str(n): [v, v + 1e-3] for n, v in enumerate(rng.normal(size=20))}
    low, high = intervals(with_values(values), [SHAPE], resamples=4000).per_image_mean[SHAPE.name]
    one = intervals(with_values({k: v[:1] for k, v in values.items()}), [SHAPE], resamples=4000)
    alone = np.diff(one.per_image_mean[SHAPE.name])[0]
    by_image = {f"{k}/{eye}": [v] for k, both in values.items() for eye, v in enumerate(both)}
    naive = np.diff(intervals(with_values(by_image), [SHAPE], resamples=4000).per_image_mean[SHAPE.name])[0]
    assert high - low == pytest.approx(alone, rel=0.02)
    assert (high - low) / naive == pytest.approx(np.sqrt(2), rel=0.08)


def test_the_pooled_interval_knows_patients_too():
    # Both eyes have one patient's skill, so drawing photographs one by one would give a narrower interval.
    sums = made_up(patients=12, eyes=3, spread=1.0)
    apart = replace(sums, images=tuple(replace(image, patient=image.id) for image in sums.images))
    for name in ("auc", "dice"):
        width, naive = (
            np.diff(intervals(s, [*SCORES, *COUNTS], resamples=1000).pooled[name])[0] for s in (sums, apart)
        )
        assert width > 1.3 * naive


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        # Two eyes around each patient's value, which scatters around 0.
        values = {str(n): list(p + 0.3 * rng.normal(size=2)) for n, p in enumerate(rng.normal(size=30))}
        low, high = intervals(with_values(values), [SHAPE], resamples=400).per_image_mean[SHAPE.name]
        held += low < 0 < high
    # 95% less the little that the percentile bootstrap loses with 30 patients; +-3 standard errors of 200 trials.
    assert 0.88 <= held / 200 <= 0.99


@pytest.mark.parametrize(("patients", "weak"), [(4, True), (5, True), (6, False), (30, False)])
def test_few_patients_are_marked(patients, weak):
    found = intervals(made_up(patients=patients, pixels=100), COUNTS, resamples=100)
    assert (found.weak, found.n_patients, found.n_images) == (weak, patients, patients)
    assert MIN_PATIENTS == 6
    # The reason: with so many patients, is the smallest possible p below 5%?
    assert (scipy.stats.wilcoxon(np.arange(1, patients + 1)).pvalue > 0.05) == weak


def test_one_patient_gives_no_interval():
    found = intervals(made_up(patients=1, eyes=2), ALL, resamples=100)
    assert set(found.pooled.values()) == set(found.per_image_mean.values()) == {None}
    assert (found.n_patients, found.n_images, found.weak) == (1, 2, True)
    nothing = intervals(replace(made_up(patients=1), images=()), ALL, resamples=100)
    assert (nothing.n_patients, nothing.pooled["dice"]) == (0, None)


def test_undefined_values_are_left_out():
    values = {str(n): [float(n)] for n in range(8)}
    with_nan = {k: [*v, np.nan] for k, v in values.items()} | {"x": [np.nan]}
    found = intervals(with_values(with_nan), [SHAPE], resamples=3000).per_image_mean[SHAPE.name]
    low, high = intervals(with_values(values), [SHAPE], resamples=3000).per_image_mean[SHAPE.name]
    assert found == pytest.approx((low, high), abs=0.15 * (high - low))
    never = intervals(with_values({"a": [np.nan], "b": [np.nan]}), [SHAPE], resamples=50)
    assert never.per_image_mean[SHAPE.name] is None


def test_an_interval_needs_half_of_the_resamples():
    known = np.arange(100.0)
    assert interval_of(np.concatenate([known, np.full(100, np.nan)])) == pytest.approx((2.475, 96.525))
    assert interval_of(np.concatenate([known, np.full(101, np.nan)])) is None
    assert interval_of(np.concatenate([known, np.full(20, np.inf)])) == pytest.approx((2.475, 96.525))
    assert interval_of(np.array([])) is None


def test_the_json_says_how_it_was_made():
    data = json.loads(json.dumps(intervals(made_up(patients=4), ALL, resamples=200, seed=3).to_json(), allow_nan=False))
    assert set(data) == {
        "pooled", "per_image_mean", "n_patients", "n_images", "weak", "level", "resamples", "seed", "method",
    }  # fmt: skip
    assert (data["level"], data["resamples"], data["seed"], data["weak"]) == (0.95, 200, 3, True)
    assert data["method"] == "percentile bootstrap over patients"
    low, high = data["pooled"]["auc"]
    assert low < high
    assert data["pooled"][SHAPE.name] is None


def test_the_json_calls_patients_what_they_are():
    found = intervals(made_up(patients=4), ALL, resamples=200)
    assert found.to_json("scene")["method"] == "percentile bootstrap over scenes"
