from __future__ import annotations

import json
from dataclasses import replace

import pytest

from retseg.core.types import OperatingPoint
from retseg.datasets.base import VESSELS
from retseg.datasets.prepared import IndexRow
from retseg.evaluation.overlap import FitOverlap
from retseg.evaluation.protocol import Protocol
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
        point=OperatingPoint(0.41234, "highest pooled Dice", "eyes", "validation", ("8", "9"), 0.8),
        overlap=FitOverlap(),
        card=None,
        per_class=False,
    )


def test_the_line_says_what_the_numbers_are(protocol):
    assert protocol.line == (
        "eyes, test: 3 photographs of 2 patients; only pixels inside the field of view (the owner's masks); "
        "ground truth by first on the native grid, unaltered; vessel where probability > 0.4123, frozen "
        "(highest pooled Dice on 2 validation patients of eyes)."
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


def test_every_choice_is_in_the_file(protocol, make_card):
    data = json.loads(json.dumps(replace(protocol, card=make_card()).to_json(), allow_nan=False))
    assert data["threshold"]["threshold"] == 0.41234
    assert data["fixed_threshold"] == 0.5
    assert data["fields_of_view"] == {"owner": 3}
    assert data["metrics"]["dice"]["definition"] == METRICS.get("dice").definition
    assert [photograph["id"] for photograph in data["photographs"]] == ["a", "b", "c"]
    assert data["weights"]["arch"] == "unet"
    assert data["line"] == replace(protocol, card=make_card()).line
