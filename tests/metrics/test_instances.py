from __future__ import annotations

import math
import time
from collections.abc import Mapping

import numpy as np
import pytest

from retseg.core.types import BoolArray, UInt16Array
from retseg.metrics.instances import THRESHOLDS, InstanceSums, average_precision, instance_sums
from retseg.metrics.registry import INSTANCE_METRICS

Pixel = tuple[int, int]
NAMES = INSTANCE_METRICS.names()
SEEDS = range(40)


def of(sums: InstanceSums) -> dict[str, float]:
    return {name: INSTANCE_METRICS.get(name).function(sums) for name in NAMES}


def drawn(*boxes: tuple[int, int, int, int], shape: Pixel = (20, 40)) -> UInt16Array:
    """An id map of rectangles (top, left, bottom, right), numbered from 1, the later ones on top."""
    ids = np.zeros(shape, np.uint16)
    for number, (top, left, bottom, right) in enumerate(boxes, start=1):
        ids[top:bottom, left:right] = number
    return ids


def random_map(random: np.random.Generator, most: int = 6, shape: Pixel = (12, 15)) -> UInt16Array:
    """Rectangles on top of each other, with ids from all over."""
    count = int(random.integers(0, most + 1))
    ids = np.zeros(shape, np.uint16)
    for number in random.choice(np.arange(1, 60), count, replace=False):
        top, left = random.integers(0, shape[0] - 3), random.integers(0, shape[1] - 3)
        ids[top : top + random.integers(2, 8), left : left + random.integers(2, 8)] = number
    return ids


def moved(ids: UInt16Array, random: np.random.Generator) -> UInt16Array:
    """The same things, somewhat elsewhere; some are lost."""
    found = np.roll(ids, tuple(random.integers(-1, 2, 2)), (0, 1))
    for number in np.unique(found):
        if random.random() < 0.2:
            found[found == number] = 0
    return found


def pairs_of_maps(seed: int) -> tuple[UInt16Array, UInt16Array, dict[int, float]]:
    random = np.random.default_rng(seed)
    truth = random_map(random)
    found = moved(truth, random) if seed % 3 else random_map(random)
    return truth, found, dict(zip(range(1, 100), random.permutation(99) / 99, strict=True))


# A second implementation, slow and plain, that shares nothing with the first.


def pixels_of(ids: UInt16Array, counted: BoolArray | None = None) -> dict[int, set[Pixel]]:
    """Sets of pixels by id, in order of the first pixel."""
    found: dict[int, set[Pixel]] = {}
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            if ids[y, x] and (counted is None or counted[y, x]):
                found.setdefault(int(ids[y, x]), set()).add((y, x))
    return found


def iou_of(one: set[Pixel], other: set[Pixel]) -> float:
    return len(one & other) / len(one | other)


Image = tuple[dict[int, set[Pixel]], dict[int, set[Pixel]], Mapping[int, float]]


def slow_average_precision(images: list[Image], threshold: float) -> float:
    """Matches anew at this threshold, as COCO does; scores must differ."""
    decisions: list[tuple[float, bool]] = []
    truths = sum(len(truth) for truth, _, _ in images)
    for truth, found, scores in images:
        left = dict(truth)
        for number in sorted(found, key=lambda each: -scores[each]):
            best = max(left, key=lambda each: iou_of(left[each], found[number]), default=None)
            right = best is not None and iou_of(left[best], found[number]) >= threshold
            if right and best is not None:
                del left[best]
            decisions.append((scores[number], right))
    if not truths:
        return 0.0 if decisions else math.nan
    points, hits = [], 0
    for count, (_, right) in enumerate(sorted(decisions, reverse=True), start=1):
        hits += right
        points.append((hits / truths, hits / count))
    return sum(max((p for r, p in points if r >= step / 100), default=0.0) for step in range(101)) / 101


def slow_panoptic(images: list[Image]) -> tuple[float, float, float]:
    matched, truths, found_all = [], 0, 0
    for truth, found, _ in images:
        truths, found_all = truths + len(truth), found_all + len(found)
        matched += [iou for a in truth.values() for b in found.values() if (iou := iou_of(a, b)) > 0.5]
    if not truths and not found_all:
        return math.nan, math.nan, math.nan
    tp, fp, fn = len(matched), found_all - len(matched), truths - len(matched)
    recognised, outlined = tp / (tp + fp / 2 + fn / 2), sum(matched) / tp if tp else 0.0
    return recognised * outlined, outlined, recognised


def slow_aggregated_jaccard(images: list[Image]) -> float:
    intersection = union = 0
    for truth, found, _ in images:
        used = set()
        for a in truth.values():
            best = max(found, key=lambda each: (iou_of(a, found[each]), len(a & found[each])), default=None)
            if best is None or not a & found[best]:
                union += len(a)
                continue
            used.add(best)
            intersection, union = intersection + len(a & found[best]), union + len(a | found[best])
        union += sum(len(b) for number, b in found.items() if number not in used)
    return intersection / union if union else math.nan


def slow(images: list[Image]) -> dict[str, float]:
    precisions = [slow_average_precision(images, threshold) for threshold in THRESHOLDS]
    pq, sq, rq = slow_panoptic(images)
    count_error = sum(abs(len(truth) - len(found)) for truth, found, _ in images) / len(images)
    values = [sum(precisions) / 10, precisions[0], pq, sq, rq, slow_aggregated_jaccard(images), count_error]
    return dict(zip(("map", "ap50", "pq", "sq", "rq", "aji", "count-error"), values, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_all_are_those_of_a_slow_implementation(seed: int) -> None:
    truth, found, scores = pairs_of_maps(seed)
    expected = slow([(pixels_of(truth), pixels_of(found), scores)])
    assert of(instance_sums(truth, found, scores)) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_pixels_that_do_not_count_are_in_neither_map(seed: int) -> None:
    truth, found, scores = pairs_of_maps(seed)
    counted = np.random.default_rng(seed).random(truth.shape) < 0.6
    counted[4:8, :9] = False
    expected = slow([(pixels_of(truth, counted), pixels_of(found, counted), scores)])
    assert of(instance_sums(truth, found, scores, counted)) == pytest.approx(expected, abs=1e-12, nan_ok=True)
    cut = instance_sums(truth * counted, found * counted, scores)
    assert of(cut) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("seed", range(8))
def test_sums_of_images_are_the_slow_values_of_all_images(seed: int) -> None:
    images = [pairs_of_maps(100 * seed + number) for number in range(7)]
    scores = np.random.default_rng(seed).permutation(7 * 100).reshape(7, 100) / 700
    total = InstanceSums()
    for (truth, found, _), row in zip(images, scores, strict=True):
        total += instance_sums(truth, found, row)
    rows = [dict(enumerate(map(float, row))) for row in scores]
    sets = [(pixels_of(t), pixels_of(f), row) for (t, f, _), row in zip(images, rows, strict=True)]
    expected = slow(sets)
    assert of(total) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_pooling_is_the_same_as_one_large_image(seed: int) -> None:
    images = [pairs_of_maps(seed * 50 + number) for number in range(4)]
    scores = np.random.default_rng(seed).permutation(400) / 400
    total = InstanceSums()
    shifted_truths, shifted = [], []
    for number, (truth, found, _) in enumerate(images):
        total += instance_sums(truth, found, scores[100 * number :])
        shifted_truths.append(np.where(truth, truth + 100 * number, 0).astype(np.uint16))
        shifted.append(np.where(found, found + 100 * number, 0).astype(np.uint16))
    together = instance_sums(np.concatenate(shifted_truths), np.concatenate(shifted), scores)
    pooled, large = of(total), of(together)
    assert pooled.pop("count-error") >= large.pop("count-error") / 4, "errors of several images do not cancel"
    assert pooled == large
    assert total.images == 4


@pytest.mark.parametrize("seed", SEEDS)
def test_other_ids_change_nothing(seed: int) -> None:
    truth, found, scores = pairs_of_maps(seed)
    scores = {number: round(score * 3) / 3 for number, score in scores.items()}  # so that many are equally sure
    random = np.random.default_rng(seed)
    new_truth, new_found = (np.append(0, 1 + random.permutation(65535)).astype(np.uint16) for _ in range(2))
    renamed = {int(new_found[number]): score for number, score in scores.items()}
    again = instance_sums(new_truth[truth], new_found[found], renamed)
    np.testing.assert_equal(of(again), of(instance_sums(truth, found, scores)))


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_images_changes_nothing_where_scores_are_equal(seed: int) -> None:
    one, other = (instance_sums(*pairs_of_maps(seed + shift)[:2]) for shift in (0, 50))
    np.testing.assert_equal(of(one + other), of(other + one))


TWO = drawn((2, 2, 12, 12), (2, 12, 12, 22))


def test_perfect() -> None:
    assert of(instance_sums(TWO, TWO)) == {
        "map": 1.0,
        "ap50": 1.0,
        "pq": 1.0,
        "sq": 1.0,
        "rq": 1.0,
        "aji": 1.0,
        "count-error": 0.0,
    }


def test_two_that_touch_found_as_one() -> None:
    # IoU of the one with either truth: 100 / 200, which is a match for COCO and none for the panoptic quality.
    merged = (TWO > 0).astype(np.uint16)
    found = of(instance_sums(TWO, merged))
    # At 0.5 the recall is 1 / 2 at precision 1: 51 of the 101 recalls. At the other nine thresholds nothing is found.
    assert found["ap50"] == pytest.approx(51 / 101)
    assert found["map"] == pytest.approx(51 / 1010)
    assert (found["pq"], found["sq"], found["rq"]) == (0.0, 0.0, 0.0)
    assert found["aji"] == (100 + 100) / (200 + 200)
    assert found["count-error"] == 1.0


def test_one_found_as_two() -> None:
    truth, found = drawn((0, 0, 10, 20)), drawn((0, 0, 10, 13), (0, 13, 10, 20))
    figures = of(instance_sums(truth, found, {1: 0.4, 2: 0.9}))
    # The larger part has the IoU 130 / 200 = 0.65: right at 0.50, 0.55, 0.60 and 0.65, after the surer wrong one.
    assert figures["ap50"] == 0.5
    assert figures["map"] == pytest.approx(4 * 0.5 / 10)
    assert figures["sq"] == 0.65
    assert figures["rq"] == 1 / (1 + 0.5)
    assert figures["pq"] == pytest.approx(0.65 / 1.5)
    assert figures["aji"] == 130 / (200 + 70)
    assert figures["count-error"] == 1.0


def test_one_made_up() -> None:
    found = drawn((2, 2, 12, 12), (2, 12, 12, 22), (15, 30, 20, 40))
    least_sure = of(instance_sums(TWO, found, {1: 0.9, 2: 0.8, 3: 0.1}))
    assert (least_sure["map"], least_sure["ap50"]) == (1.0, 1.0), "what comes after all truths were found costs nothing"
    assert least_sure["pq"] == least_sure["rq"] == 2 / 2.5
    assert least_sure["sq"] == 1.0
    assert least_sure["aji"] == 200 / 250
    assert least_sure["count-error"] == 1.0


def test_one_missed() -> None:
    figures = of(instance_sums(TWO, np.where(TWO == 2, 2, 0).astype(np.uint16)))
    assert figures["map"] == pytest.approx(51 / 101)
    assert figures["ap50"] == pytest.approx(51 / 101)
    assert figures["pq"] == figures["rq"] == 1 / 1.5
    assert figures["sq"] == 1.0
    assert figures["aji"] == 100 / 200
    assert figures["count-error"] == 1.0


def test_the_order_of_scores_matters_to_the_average_precision_only() -> None:
    found = drawn((2, 2, 12, 12), (2, 12, 12, 22), (15, 30, 20, 40))
    last, middle, first = (of(instance_sums(TWO, found, {1: 0.9, 2: 0.5, 3: score})) for score in (0.1, 0.7, 0.95))
    assert last["ap50"] == 1.0
    # Precision 1 up to a recall of 1 / 2, which 51 of the recalls 0, 0.01 ... 1 are; 2 / 3 beyond.
    assert middle["ap50"] == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert first["ap50"] == pytest.approx(2 / 3)
    for name in ("pq", "sq", "rq", "aji", "count-error"):
        assert last[name] == middle[name] == first[name]


def test_equally_sure_instances_enter_the_curve_together() -> None:
    found = drawn((2, 2, 12, 12), (2, 12, 12, 22), (15, 30, 20, 40))
    assert of(instance_sums(TWO, found))["ap50"] == pytest.approx(2 / 3)
    assert of(instance_sums(TWO, found, np.full(4, 0.3)))["ap50"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(("width", "right"), [(11, 2), (10, 1), (12, 3), (19, 10), (20, 10), (9, 0)])
def test_thresholds_are_met_exactly(width: int, right: int) -> None:
    # 11 of 20 pixels are an IoU of 0.55 exactly, which counts at 0.55.
    sums = instance_sums(drawn((0, 0, 1, 20)), drawn((0, 0, 1, width)))
    assert [average_precision(sums, threshold) for threshold in THRESHOLDS] == [1.0] * right + [0.0] * (10 - right)


def test_a_truth_is_given_to_the_surer_of_two_halves() -> None:
    truth, found = drawn((0, 0, 10, 20)), drawn((0, 0, 10, 10), (0, 10, 10, 20))
    sums = instance_sums(truth, found, {1: 0.2, 2: 0.7})
    assert dict(zip(sums.scores, sums.overlaps, strict=True)) == {0.2: 0.0, 0.7: 0.5}


def test_a_found_instance_may_serve_several_truths_in_the_aggregated_jaccard_index() -> None:
    truth, found = drawn((0, 0, 4, 10), (4, 0, 10, 10)), drawn((0, 0, 10, 10))
    assert of(instance_sums(truth, found))["aji"] == (40 + 60) / (100 + 100)


def test_of_two_with_the_same_iou_the_aggregated_jaccard_index_takes_the_one_that_shares_more() -> None:
    # 2 / 8 and 3 / 12 of the truth's eight pixels; what is not taken is added to the union.
    truth, found = drawn((1, 0, 2, 8)), drawn((1, 0, 2, 2), (1, 5, 2, 12))
    assert of(instance_sums(truth, found))["aji"] == 3 / (12 + 2)


def test_without_any_instance() -> None:
    empty = np.zeros((5, 6), np.uint16)
    figures = of(instance_sums(empty, empty))
    assert figures.pop("count-error") == 0.0
    assert all(math.isnan(value) for value in figures.values())


@pytest.mark.parametrize("swap", [False, True])
def test_with_instances_on_one_side_only(swap: bool) -> None:
    empty = np.zeros_like(TWO)
    figures = of(instance_sums(*((empty, TWO) if swap else (TWO, empty))))
    assert figures.pop("count-error") == 2.0
    assert set(figures.values()) == {0.0}


def test_without_a_pixel_that_counts() -> None:
    for sums in (
        instance_sums(TWO, TWO, None, np.zeros(TWO.shape, bool)),
        instance_sums(np.zeros((0, 4), np.uint16), np.zeros((0, 4), np.uint16)),
        InstanceSums(),
    ):
        assert sums.images == 0
        assert sums.empty
        assert all(math.isnan(value) for value in of(sums).values())


def test_an_instance_that_lies_in_void_does_not_exist() -> None:
    counted = TWO != 2
    sums = instance_sums(TWO, TWO, None, counted)
    assert (sums.truths, sums.found) == (1, 1)
    partly = counted | (np.arange(40) < 13)
    assert instance_sums(TWO, TWO, None, partly).truths == 2


def test_as_many_ids_as_16_bits_have() -> None:
    ids = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    sums = instance_sums(ids, ids[::-1, ::-1].copy(), np.arange(65536.0))
    assert (sums.truths, sums.found) == (65535, 65535)
    # Every pixel but the first and the last, whose counterparts are 0, meets one of its own size.
    assert (sums.overlaps == 1).sum() == 65534
    assert (sums.intersection, sums.union) == (65534, 65536)
    assert of(instance_sums(ids, ids))["map"] == 1.0


def test_the_highest_id() -> None:
    figures = of(instance_sums(np.where(TWO == 1, 65535, 0).astype(np.uint16), TWO, {1: 0.5, 2: 0.4}))
    assert (figures["ap50"], figures["count-error"]) == (1.0, 1.0)


def test_takes_a_few_milliseconds() -> None:
    random = np.random.default_rng(0)
    truth = np.zeros((500, 500), np.uint16)
    for number in range(1, 11):
        top, left = random.integers(0, 400, 2)
        truth[top : top + 100, left : left + 60] = number
    found, counted = np.roll(truth, 4, axis=1), random.random(truth.shape) < 0.95
    times = []
    for _ in range(5):
        start = time.perf_counter()
        instance_sums(truth, found, np.ones(11), counted)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05, "usually one or two milliseconds"


def test_mistakes_of_the_caller_are_told() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        instance_sums(TWO, TWO[1:])
    with pytest.raises(ValueError, match="counted pixels"):
        instance_sums(TWO, TWO, None, np.ones((3, 3), bool))
    with pytest.raises(ValueError, match="no score"):
        instance_sums(TWO, TWO, {1: 0.5})
    with pytest.raises(ValueError, match="no score"):
        instance_sums(TWO, TWO, np.ones(2))
    with pytest.raises(ValueError, match="instance 2 is not a number"):
        instance_sums(TWO, TWO, {1: 0.5, 2: math.nan})
