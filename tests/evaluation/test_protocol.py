from __future__ import annotations

import json
from dataclasses import replace

import pytest

from retseg.core.types import OperatingPoint
from retseg.datasets.base import VESSELS
from retseg.datasets.prepared import IndexRow
from retseg.evaluation.overlap import FitOverlap
from retseg.evaluation.protocol import Protocol, shared_line
from retseg.metrics.registry import METRICS


def row(identifier, patient, source="owner", reference="first"):
    return IndexRow(
        identifier, patient, None, "test", 32, 24, "images/x.png", "fov/x.png", source, "labels/x.png", reference
    )


@pytest.fixture
def protocol():
    return Protocol(
        dataset="eyes",
        split="test",
        system="net",
        classes=VESSELS,
        metrics=[METRICS.get("dice")],
        scored=[row("a", "1"), row("b", "1"), row("c", "2")],
        unlabelled=[],
        missing={},
        points=[OperatingPoint(0.41234, "highest pooled Dice", "eyes", "validation", ("8", "9"), 0.8)],
        overlap=FitOverlap(),
        cards=[],
        per_class=False,
        binary=False,
        resamples=10_000,
    )


def test_the_line_says_what_the_numbers_are(protocol):
    assert protocol.line == (
        "eyes, test: 3 photographs of 2 patients; only pixels inside the field of view (the owner's masks); "
        "ground truth by first on the native grid, unaltered; vessel where probability > 0.4123, frozen "
        "(highest pooled Dice on 2 validation patients of eyes); 95% intervals by bootstrap over n = 2 patients "
        "(10,000 resamples, weak: fewer than 6 patients)."
    )


def test_the_line_says_where_our_own_fields_of_view_are_used(protocol):
    mixed = replace(protocol, scored=[row("a", "1"), row("b", "2", "estimated")])
    assert "(the owner's masks for 1 and estimated from the photographs for 1)" in mixed.line
    ours = replace(protocol, scored=[row("a", "1", "estimated")])
    assert (
        "1 photograph of 1 patient; only pixels inside the field of view (estimated from the photographs)" in ours.line
    )


def test_the_line_says_who_drew_the_truth(protocol):
    mixed = replace(protocol, scored=[row("a", "1"), row("b", "2", reference="other")])
    assert "ground truth by first for 1 and other for 1" in mixed.line


def test_the_line_warns(protocol):
    assert "NOT A TEST: the weights were fitted on 1" in replace(protocol, overlap=FitOverlap(("1",))).line


def test_the_line_counts_what_is_not_scored(protocol):
    two = replace(protocol, missing={"x": "no file", "y": "damaged"})
    assert "2 photographs without a usable prediction NOT SCORED" in two.line


def test_six_patients_are_not_weak_and_one_has_no_interval(protocol):
    six = replace(protocol, scored=[row(name, name) for name in "abcdef"])
    assert "n = 6 patients (10,000 resamples)" in six.line
    assert "no intervals: one patient" in replace(protocol, scored=[row("a", "1")]).line


def test_folds_have_a_threshold_each(protocol):
    low, high = (OperatingPoint(value, "highest pooled Dice", "eyes", "validation", ("8",)) for value in (0.3, 0.5))
    folds = replace(protocol, points=[low, high])
    assert "2 folds by patients, vessel where probability > its fold's threshold (0.3000 to 0.5000)" in folds.line
    data = folds.to_json()
    assert data["threshold"] is None
    assert [point["threshold"] for point in data["thresholds_of_folds"]] == [0.3, 0.5]
    assert "never saw its patient" in data["score"]


def test_a_map_of_yes_and_no_has_no_threshold_of_ours(protocol):
    assert "vessel as the maps say, which know only yes and no" in replace(protocol, binary=True).line


def test_every_choice_is_in_the_file(protocol, make_card):
    data = json.loads(json.dumps(replace(protocol, cards=[make_card()]).to_json(), allow_nan=False))
    assert data["threshold"]["threshold"] == 0.41234
    assert data["fixed_threshold"] == 0.5
    assert data["fields_of_view"] == {"owner": 3}
    assert data["metrics"]["dice"]["definition"] == METRICS.get("dice").definition
    assert [photograph["id"] for photograph in data["photographs"]] == ["a", "b", "c"]
    assert data["weights"]["arch"] == "unet"
    assert data["line"] == replace(protocol, cards=[make_card()]).line


def test_several_systems_share_a_line_and_keep_their_warnings(protocol):
    other = replace(protocol, points=[OperatingPoint(0.6, "given by the user", "", "none")])
    line = shared_line([protocol.line, other.line])
    assert "3 photographs of 2 patients" in line
    assert "each system at its own threshold" in line
    assert "0.4123" not in line
    seen = replace(other, overlap=FitOverlap(("1",)))
    assert "NOT A TEST: the weights were fitted on 1" in shared_line([protocol.line, seen.line])
    assert shared_line([protocol.line, protocol.line]) == protocol.line


@pytest.fixture
def everyday(protocol, photographed):
    rows = [replace(row(name, name), reference="owner") for name in "abcdefg"]
    return replace(protocol, classes=photographed, scored=rows, points=[], dataset="photos", per_class=True)


def test_photographs_that_share_nothing_are_named_once(everyday):
    assert everyday.line == (
        "photos, test: 7 photographs; every pixel but void; ground truth by owner on the native grid, unaltered; "
        "each pixel's most probable class; 95% intervals by bootstrap over n = 7 photographs (10,000 resamples)."
    )
    data = everyday.to_json()
    assert data["intervals"]["method"] == "percentile bootstrap over photographs"
    assert "vessel_width" not in data
    assert "fields_of_view" not in data
    assert "field of view" not in json.dumps({key: data[key] for key in ("line", "pixels", "decision", "score")})
    assert "255" in data["pixels"]
    assert data["instances"] is None


def test_scenes_are_called_scenes(everyday, photographed):
    pairs = [row(name, f"scene {number // 2}") for number, name in enumerate("abcdefg")]
    scenes = replace(everyday, classes=replace(photographed, subject="scene"), scored=pairs)
    assert "7 photographs of 4 scenes; " in scenes.line
    assert "over n = 4 scenes (10,000 resamples, weak: fewer than 6 scenes)" in scenes.line
    assert "all photographs of a drawn scene together" in scenes.to_json()["intervals"]["method"]
    assert "no intervals: one scene" in replace(scenes, scored=pairs[:2]).line
    assert "7 photographs of 4 groups" in replace(everyday, scored=pairs).line


def test_the_words_for_patients_stay_where_there_are_patients(protocol):
    data = protocol.to_json()
    assert (
        data["intervals"]["method"] == "percentile bootstrap over patients; all photographs of a drawn patient together"
    )
    assert data["fields_of_view"] == {"owner": 3}
    assert "vessel_width" in data


def test_the_line_says_what_is_not_applicable_and_why(everyday):
    absent = {"tree": "never seen in training", "cow": "not in the ground truth", "sky": "never seen in training"}
    lacking = replace(everyday, absent=absent)
    assert "; N/A: tree, sky (never seen in training) and cow (not in the ground truth)." in lacking.line
    assert lacking.to_json()["not_applicable"] == absent


def test_the_line_says_how_instances_were_told_apart_and_what_is_void(everyday):
    some = replace(everyday, instances={"line": "instances by watershed", "score": "1"}, void=["b"])
    assert "; instances by watershed; 1 photograph without a counted pixel in no figure." in some.line
    assert some.to_json()["instances"]["score"] == "1"
    assert some.to_json()["void"] == ["b"]


def test_the_score_of_several_classes(everyday):
    assert everyday.to_json()["score"].startswith("none")
    assert "each class against all others" in replace(everyday, ranked=True).to_json()["score"]


def test_lines_of_several_class_tables_can_be_shared(everyday):
    other = replace(everyday, absent={"cow": "not in the ground truth"})
    assert "7 photographs" in shared_line([everyday.line, other.line])
