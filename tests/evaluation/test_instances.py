from __future__ import annotations

import json

import numpy as np
import pytest

from retseg.core.errors import InputError
from retseg.evaluation.instances import FOUND, YARDSTICK, ClassMaps, InstanceBoard, InstanceFiles, score_instances
from retseg.imaging.io import write_png
from retseg.metrics.instances import InstanceSums, instance_sums
from retseg.metrics.registry import INSTANCE_METRICS

PERSON, COW = 2, 3
SHAPE = (32, 48)


def boxes(*places, shape=SHAPE):
    """An id map of rectangles, 10 x 8 pixels unless a third number says how wide, numbered from 1."""
    ids = np.zeros(shape, np.uint16)
    for number, (row, column, *width) in enumerate(places, start=1):
        ids[row : row + 10, column : column + (width[0] if width else 8)] = number
    return ids


def class_map(ids, thing=PERSON):
    return np.where(ids > 0, thing, 0).astype(np.uint8)


@pytest.fixture
def scored(tmp_path, photographed):
    def score(truth, found, label=None, predicted=None, *, counted=None, scores=None):
        label = class_map(truth) if label is None else label
        predicted = class_map(found) if predicted is None else predicted
        write_png(tmp_path / "truth.png", truth)
        write_png(tmp_path / "found.png", found)
        counted = label != 255 if counted is None else counted
        files = InstanceFiles(tmp_path / "truth.png", tmp_path / "found.png")
        return score_instances(files, ClassMaps(label, predicted, counted, scores or {}), photographed)

    return score


def value(metric, sums):
    return INSTANCE_METRICS.get(metric).function(sums)


def test_connected_components_cannot_part_what_touches(scored):
    touching = boxes((5, 5), (5, 13), (18, 30))
    score = scored(touching, touching)
    found, together = score[FOUND]["person"], score[YARDSTICK]["person"]
    assert (found.truths, found.found) == (3, 3)
    assert (together.truths, together.found) == (3, 2)
    assert value("pq", found) == 1
    assert value("pq", together) < 1
    assert value("count-error", together) == 1


def test_each_thing_is_judged_by_itself(scored):
    truth, found = boxes((2, 2), (2, 20), (18, 30)), boxes((2, 2), (2, 20), (18, 30))
    label, predicted = class_map(truth), class_map(found)
    label[truth == 3] = COW
    predicted[found == 3] = COW
    predicted[found == 2] = COW  # a person taken for a cow
    score = scored(truth, found, label, predicted)[FOUND]
    assert (score["person"].truths, score["person"].found) == (2, 1)
    assert (score["cow"].truths, score["cow"].found) == (1, 2)
    assert value("rq", score["person"]) == pytest.approx(2 / 3)


def test_an_instance_belongs_to_the_thing_of_most_of_its_pixels(scored):
    truth = boxes((2, 2))
    label = class_map(truth)
    label[2:5, 2:10] = COW  # 24 of 80 pixels
    score = scored(truth, truth, label)[FOUND]
    assert (score["person"].truths, score["cow"].truths) == (1, 0)


def test_the_surest_instances_are_those_of_the_highest_mean_probability(scored):
    truth, found = boxes((2, 2)), boxes((2, 2), (2, 30))
    probability = np.zeros(SHAPE, np.uint16)
    probability[found == 1] = 20_000
    probability[found == 2] = 50_000
    score = scored(truth, found, scores={PERSON: probability})[FOUND]["person"]
    assert sorted(score.scores) == pytest.approx([20_000 / 65535, 50_000 / 65535])
    assert value("ap50", score) == pytest.approx(0.5), "the surer one is a false alarm"
    assert value("ap50", scored(truth, found)[FOUND]["person"]) == pytest.approx(0.5)
    assert set(scored(truth, found)[FOUND]["person"].scores) == {1.0}
    probability[found == 1] = 60_000
    assert value("ap50", scored(truth, found, scores={PERSON: probability})[FOUND]["person"]) == 1


def test_what_does_not_count_is_taken_out_of_both_maps(scored):
    truth, found = boxes((2, 2)), boxes((2, 2), (18, 30))
    label = class_map(truth)
    label[15:, 25:] = 255
    score = scored(truth, found, label)[FOUND]["person"]
    assert (score.truths, score.found) == (1, 1)
    nothing = scored(truth, found, counted=np.zeros(SHAPE, bool))[FOUND]["person"]
    assert nothing.empty
    assert nothing.images == 0


def test_predictions_without_id_maps_have_the_yardstick_alone(tmp_path, photographed):
    truth = boxes((2, 2))
    write_png(tmp_path / "truth.png", truth)
    maps = ClassMaps(class_map(truth), class_map(truth), truth < 9, {})
    score = score_instances(InstanceFiles(tmp_path / "truth.png"), maps, photographed)
    assert list(score) == [YARDSTICK]


def test_an_id_map_of_another_size_or_with_colours_is_refused(scored, tmp_path, photographed):
    truth = boxes((2, 2))
    with pytest.raises(InputError, match=r"48x31 pixels.*48x32.*found\.png"):
        scored(truth, truth[1:], predicted=class_map(truth))
    coloured = np.zeros((*SHAPE, 3), np.uint8)
    coloured[4, 4] = 255, 0, 0
    with pytest.raises(InputError, match=r"grey image of 16 bits.*found\.png"):
        scored(truth, coloured, predicted=class_map(truth))


@pytest.fixture
def photographs(scored):
    """Ten photographs; in every second one two figures touch, and one is missed in all after the fifth."""
    result = []
    for number in range(10):
        truth = boxes((5, 5), (5, 13 if number % 2 else 24), (18, 30))
        found = np.where(truth == 3, 0, truth).astype(np.uint16) if number > 5 else truth
        found = np.roll(found, number % 3, axis=1)
        scores = {PERSON: np.full(SHAPE, 6000 * (number + 1), np.uint16)}
        result.append((f"photograph {number}", f"scene {number // 2}", scored(truth, found, scores=scores)))
    return result


def board_of(photographs, classes, **options):
    board = InstanceBoard(classes, "net", "watershed", **({"resamples": 200} | options))
    for photograph in photographs:
        board.add(*photograph)
    return board


def test_pooled_are_the_instances_of_all_photographs_together(photographs, photographed):
    summary = board_of(photographs, photographed).summary()
    for way, name in ((FOUND, "watershed"), (YARDSTICK, "connected components")):
        sums = [score[way]["person"] for *_, score in photographs]
        together = sum(sums, InstanceSums())
        view = summary["systems"][name]
        for metric in INSTANCE_METRICS.names():
            assert view["pooled"][metric] == pytest.approx(value(metric, together)), metric
            assert view["per_image_mean"][metric] == pytest.approx(np.mean([value(metric, one) for one in sums]))
            low, high = view["intervals"]["per_image_mean"][metric]
            assert low <= view["per_image_mean"][metric] <= high
    figures = {name: view["pooled"] for name, view in summary["systems"].items()}
    assert figures["watershed"]["pq"] > figures["connected components"]["pq"]
    assert [metric["name"] for metric in summary["metrics"]] == ["map", "ap50", "pq", "sq", "rq", "aji", "count-error"]
    assert summary["metrics"][-1]["range"] == [0.0, None]
    json.dumps(summary, allow_nan=False)


def test_pooling_is_the_same_as_one_large_photograph(photographed, tmp_path):
    rng = np.random.default_rng(0)
    truths = [boxes((2, 2), (18, 20), (5, 30)) for _ in range(3)]
    founds = [np.roll(truth, int(rng.integers(4)), axis=1) for truth in truths]
    sums = [instance_sums(truth, found) for truth, found in zip(truths, founds, strict=True)]
    large = instance_sums(
        np.hstack([np.where(t, t + 10 * n, 0).astype(np.uint16) for n, t in enumerate(truths)]),
        np.hstack([np.where(f, f + 10 * n, 0).astype(np.uint16) for n, f in enumerate(founds)]),
    )
    board = InstanceBoard(photographed, "net", "watershed", resamples=100)
    for number, one in enumerate(sums):
        board.add(str(number), str(number), {FOUND: {"person": one, "cow": InstanceSums()}})
    pooled = board.summary()["systems"]["watershed"]["pooled"]
    for metric in ("map", "ap50", "pq", "sq", "rq", "aji"):
        assert pooled[metric] == pytest.approx(value(metric, large)), metric


def test_how_many_there_are_in_each_photograph(photographs, photographed):
    images = board_of(photographs, photographed).summary()["images"]
    assert images[1] == {
        "id": "photograph 1", "patient": "scene 0", "truth": 3, "watershed": 3, "connected components": 2,
    }  # fmt: skip
    assert images[8]["watershed"] == 2


def test_figures_are_means_over_the_things_that_the_truth_contains(photographed):
    person, cow = instance_sums(boxes((2, 2)), boxes((2, 2))), instance_sums(boxes((2, 2)), boxes((2, 4)))
    board = InstanceBoard(photographed, "net", "watershed", resamples=100)
    board.add("a", "a", {FOUND: {"person": person, "cow": cow}})
    board.add("b", "b", {FOUND: {"person": person, "cow": instance_sums(boxes(), boxes((9, 9)))}})
    view = board.summary()["systems"]["watershed"]
    both = (value("pq", person) + value("pq", cow)) / 2
    assert view["per_image_mean"]["pq"] == pytest.approx((both + value("pq", person)) / 2)
    assert view["pooled"]["pq"] < view["per_image_mean"]["pq"], "the false alarm counts where all are pooled"
    rows = {(row.id, row.class_name, row.metric): row.value for row in board.rows}
    assert rows["a", "cow", "pq"] == value("pq", cow)
    assert np.isnan(rows["b", "cow", "pq"])


def test_lines_say_whose_instances_and_of_what(photographs, photographed):
    rows = board_of(photographs, photographed).rows
    assert {row.system for row in rows} == {"net", "connected components"}
    assert {row.class_name for row in rows} == {"person", "cow"}
    assert {row.decision for row in rows} == {"argmax"}
    assert len(rows) == 10 * 2 * 2 * 7


def test_a_thing_never_seen_in_training_enters_no_figure(photographed):
    perfect, missed = instance_sums(boxes((2, 2)), boxes((2, 2))), instance_sums(boxes((2, 2)), boxes())
    board = InstanceBoard(photographed, "net", "watershed", unseen={"cow"}, resamples=100)
    board.add("a", "a", {FOUND: {"person": perfect, "cow": missed}})
    assert board.summary()["systems"]["watershed"]["pooled"]["pq"] == 1
    assert {row.class_name for row in board.rows} == {"person"}


def test_a_photograph_of_nothing_but_void_enters_no_mean(photographs, photographed, scored):
    truth = boxes((2, 2))
    void = ("void", "void", scored(truth, truth, counted=np.zeros(SHAPE, bool)))
    with_it, without = (board_of(some, photographed).summary() for some in ([*photographs, void], photographs))
    for name, view in without["systems"].items():
        assert with_it["systems"][name]["per_image_mean"] == view["per_image_mean"]
        assert with_it["systems"][name]["pooled"] == view["pooled"]
    assert with_it["images"][-1]["truth"] == 0


def test_without_id_maps_there_is_nothing_to_say(photographed):
    board = InstanceBoard(photographed, "net", "watershed")
    assert board.summary() is None
    assert board.protocol(scored=True) is None
    assert board.rows == []


def test_the_protocol_says_where_scores_come_from(photographs, photographed):
    board = board_of(photographs, photographed)
    assert board.protocol(scored=True)["line"] == "instances by watershed and by connected components"
    assert "mean probability" in board.protocol(scored=True)["score"]
    assert board.protocol(scored=False)["score"].startswith("1 for every instance")
