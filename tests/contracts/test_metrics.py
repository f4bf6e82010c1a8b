"""What every registered metric must do, whoever wrote it."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from retseg.core.registry import Registry
from retseg.core.types import BoolArray, UInt16Array
from retseg.metrics.counts import Counts
from retseg.metrics.instances import InstanceSums, instance_sums
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import merge_levels, score_histogram
from retseg.metrics.registry import INSTANCE_METRICS, METRICS
from retseg.metrics.shapes import Shapes

ALL = METRICS.names()
OF_SHAPE = [name for name in ALL if METRICS.get(name).needs == "shapes"]
OF_PIXELS = [name for name in ALL if name not in OF_SHAPE]

OF_INSTANCES = INSTANCE_METRICS.names()

every_of_both = pytest.mark.parametrize(
    ("registry", "name"),
    [(registry, name) for registry in (METRICS, INSTANCE_METRICS) for name in registry.names()],
    ids=lambda part: part if isinstance(part, str) else part.kind.replace(" ", "-"),
)
of_pixels = pytest.mark.parametrize("name", OF_PIXELS)
of_shape = pytest.mark.parametrize("name", OF_SHAPE)
of_instances = pytest.mark.parametrize("name", OF_INSTANCES)

SCORES = st.lists(st.tuples(st.integers(0, 65535), st.booleans()), min_size=1, max_size=40)
MASKS = st.tuples(*[arrays.arrays(np.bool_, (9, 10))] * 3)


def argument(metric: Metric, scores: list[int], truth: list[bool]) -> Any:
    """What the function of a metric of pixels takes, for 16-bit scores and the truth."""
    histogram = score_histogram(np.array(scores, np.uint16), np.array(truth, np.bool_))
    return histogram if metric.needs == "scores" else histogram.counts_at(0.5)


def value(name: str, scores: list[int], truth: list[bool]) -> float:
    metric = METRICS.get(name)
    return metric.function(argument(metric, scores, truth))


def tree() -> tuple[BoolArray, BoolArray]:
    """Vessels with loops, and their field of view."""
    y, x = np.mgrid[-100:101, -100:101]
    fov = np.hypot(y, x) < 98
    rings = (np.abs(np.hypot(y, x + 30) - 25) < 3) | (np.abs(np.hypot(y + 10, x - 30) - 20) < 2)
    return fov & (rings | (np.abs(y - 60) < 3) | (np.abs(x) < 2)), fov


def ruined(truth: BoolArray) -> BoolArray:
    """A prediction that is wrong in every way: thin vessels lost, the rest moved and broken, specks all over."""
    kept = np.roll(ndimage.binary_erosion(truth), 6, axis=1)
    kept[::9] = False
    kept[::11, ::7] = True
    return kept


@every_of_both
def test_describes_itself(registry: Registry[Metric], name: str) -> None:
    metric = registry.get(name)
    assert isinstance(metric, Metric)
    assert metric.name == name
    assert (metric.needs == "instances") == (registry is INSTANCE_METRICS)
    assert metric.needs in ("counts", "scores", "shapes", "instances")
    assert metric.range[0] < metric.range[1]
    assert math.isfinite(metric.range[0 if not metric.higher_is_better else 1]), "the best value is a number"
    for text in (metric.title, metric.definition, metric.citation, metric.degenerate):
        assert text.strip()
    assert "NaN" in metric.degenerate
    assert all(isinstance(constant, (int, float, str)) for constant in metric.pinned.values())


@every_of_both
def test_travels_to_another_process(registry: Registry[Metric], name: str) -> None:
    assert pickle.loads(pickle.dumps(registry.get(name))) == registry.get(name)
    assert hash(registry.get(name)) is not None


@of_pixels
def test_perfect_reaches_the_best_possible_value(name: str) -> None:
    metric = METRICS.get(name)
    best, worst = metric.range[:: -1 if metric.higher_is_better else 1]
    assert value(name, [65535, 65535, 0, 0, 0], [True, True, False, False, False]) == best
    inverted = value(name, [0, 3, 65535, 65000, 64000], [True, True, False, False, False])
    assert inverted != best
    if math.isfinite(worst):
        assert abs(inverted - worst) < abs(inverted - best)


@of_pixels
def test_a_better_prediction_has_a_better_value(name: str) -> None:
    truth = [True, True, True, False, False, False]
    good = value(name, [65000, 64000, 100, 90, 80, 70], truth)
    bad = value(name, [65000, 100, 90, 64000, 110, 70], truth)
    assert (good > bad) if METRICS.get(name).higher_is_better else (good < bad)


@of_pixels
@given(pixels=SCORES)
def test_stays_in_its_range_or_is_undefined(name: str, pixels: list[tuple[int, bool]]) -> None:
    metric = METRICS.get(name)
    result = value(name, [score for score, _ in pixels], [true for _, true in pixels])
    assert isinstance(result, float)
    assert math.isnan(result) or metric.range[0] - 1e-12 <= result <= metric.range[1] + 1e-12


@of_pixels
def test_without_a_pixel_it_is_undefined(name: str) -> None:
    metric = METRICS.get(name)
    empty = Counts() if metric.needs == "counts" else argument(metric, [], [])
    assert math.isnan(metric.function(empty))


@of_pixels
def test_pooling_photographs_is_adding_them(name: str) -> None:
    metric = METRICS.get(name)
    scores, truth = [65000, 100, 40000, 64000, 110, 70], [True, True, True, False, False, False]
    parts = argument(metric, scores[:2], truth[:2]) + argument(metric, scores[2:], truth[2:])
    assert metric.function(parts) == value(name, scores, truth)


@of_pixels
@given(pixels=SCORES)
def test_takes_merged_levels(name: str, pixels: list[tuple[int, bool]]) -> None:
    metric = METRICS.get(name)
    if metric.needs == "scores":
        whole = argument(metric, [score for score, _ in pixels], [true for _, true in pixels])
        result = metric.function(merge_levels([whole], 10**7)[0])
        assert result == pytest.approx(metric.function(whole), abs=1e-12, nan_ok=True)


@of_shape
def test_a_perfect_mask_reaches_the_best_possible_value(name: str) -> None:
    metric, (truth, fov) = METRICS.get(name), tree()
    assert metric.function(Shapes(truth, truth, fov)) == metric.range[1 if metric.higher_is_better else 0]


@of_shape
def test_a_ruined_mask_has_a_worse_value(name: str) -> None:
    metric, (truth, fov) = METRICS.get(name), tree()
    perfect, worse = (metric.function(Shapes(mask, truth, fov)) for mask in (truth, ruined(truth)))
    assert (perfect > worse) if metric.higher_is_better else (perfect < worse)


@of_shape
@settings(max_examples=40)
@given(masks=MASKS)
def test_a_figure_of_shape_stays_in_its_range_or_is_undefined(
    name: str, masks: tuple[BoolArray, BoolArray, BoolArray]
) -> None:
    metric = METRICS.get(name)
    result = metric.function(Shapes(*masks))
    assert isinstance(result, float)
    assert math.isnan(result) or (metric.range[0] <= result <= metric.range[1] and math.isfinite(result))


@of_shape
def test_without_a_field_of_view_a_figure_of_shape_is_undefined(name: str) -> None:
    truth, fov = tree()
    assert math.isnan(METRICS.get(name).function(Shapes(truth, truth, np.zeros_like(fov))))


@of_shape
def test_an_empty_mask_is_no_error(name: str) -> None:
    metric, (truth, fov) = METRICS.get(name), tree()
    nothing = np.zeros_like(truth)
    for one, other in ((nothing, truth), (truth, nothing), (nothing, nothing)):
        result = metric.function(Shapes(one, other, fov))
        assert math.isnan(result) or metric.range[0] <= result <= metric.range[1]


def rows_of_things(count: int = 6) -> UInt16Array:
    """An id map of things that touch, two and two."""
    ids = np.zeros((20, 10 * count + 10), np.uint16)
    for number in range(count):
        left = 10 * number + 4 * (number % 2 == 0)
        ids[3:17, left : left + (6 if number % 2 == 0 else 7)] = number + 1
    return ids


def muddled(truth: UInt16Array) -> UInt16Array:
    """Things found wrongly in every way: outlines moved, two merged, one lost, one made up."""
    found = np.roll(truth, 1, axis=0)
    found[found == 2] = 1
    found[found == 4] = 0
    found[2:8, -6:] = 9
    found[12:18, -6:] = 10
    found[0, 20:30] = 11
    return found


def value_of_things(name: str, truth: UInt16Array, found: UInt16Array, counted: BoolArray | None = None) -> float:
    return INSTANCE_METRICS.get(name).function(instance_sums(truth, found, np.ones(100), counted))


@of_instances
def test_the_same_things_reach_the_best_possible_value(name: str) -> None:
    metric, truth = INSTANCE_METRICS.get(name), rows_of_things()
    assert value_of_things(name, truth, truth) == metric.range[1 if metric.higher_is_better else 0]


@of_instances
def test_things_found_wrongly_have_a_worse_value(name: str) -> None:
    truth = rows_of_things()
    perfect, worse, nothing = (
        value_of_things(name, truth, found) for found in (truth, muddled(truth), np.zeros_like(truth))
    )
    if INSTANCE_METRICS.get(name).higher_is_better:
        assert perfect > worse > nothing == 0.0
    else:
        assert perfect < worse < nothing


@of_instances
@settings(max_examples=60)
@given(maps=st.tuples(*[arrays.arrays(np.uint16, (6, 7), elements=st.integers(0, 4))] * 2))
def test_a_figure_of_things_stays_in_its_range_or_is_undefined(
    name: str, maps: tuple[UInt16Array, UInt16Array]
) -> None:
    metric, result = INSTANCE_METRICS.get(name), value_of_things(name, *maps)
    assert isinstance(result, float)
    assert math.isnan(result) or (metric.range[0] <= result <= metric.range[1] and math.isfinite(result))


@of_instances
def test_a_figure_of_things_is_degenerate_as_it_says(name: str) -> None:
    metric, truth = INSTANCE_METRICS.get(name), rows_of_things()
    nothing = np.zeros_like(truth)
    assert math.isnan(metric.function(InstanceSums()))
    assert math.isnan(value_of_things(name, truth, truth, np.zeros(truth.shape, bool)))
    if math.isinf(metric.range[1]):  # a number of errors
        assert value_of_things(name, nothing, nothing) == 0.0
        assert value_of_things(name, truth, nothing) == value_of_things(name, nothing, truth) == 6.0
    else:
        assert math.isnan(value_of_things(name, nothing, nothing))
        assert value_of_things(name, truth, nothing) == value_of_things(name, nothing, truth) == 0.0


@of_instances
def test_pooling_photographs_of_things_is_adding_them(name: str) -> None:
    metric, truth = INSTANCE_METRICS.get(name), rows_of_things()
    one, other = instance_sums(truth, muddled(truth)), instance_sums(truth, truth)
    values = [metric.function(each) for each in (one, one + other, other)]
    assert min(values) < values[1] < max(values)
    assert metric.function(one + one) == pytest.approx(values[0], abs=0.01)
