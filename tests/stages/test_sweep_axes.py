from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retseg.core.config import parse_assignments
from retseg.core.errors import ConfigError
from retseg.stages.sweep_axes import Axes, assignments_of, split_values


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1e-3,3e-4", ["1e-3", "3e-4"]),
        ("[1,2],[3,4]", ["[1,2]", "[3,4]"]),
        ("{a: [1,2], b: 3},{a: 4}", ["{a: [1,2], b: 3}", "{a: 4}"]),
        ("'a,b',c", ["'a,b'", "c"]),
        ("unet", ["unet"]),
        ("", [""]),
        ("[1,(2", ["[1,(2"]),
    ],
)
def test_commas_at_top_level_alone_separate(text, parts):
    assert list(split_values(text)) == parts


def test_all_values_are_multiplied_out_in_order():
    axes = Axes.parse(["train.lr=1e-3,3e-4", "train.epochs=2", "model.options={width: 4, depth: 2},{width: 8}"])
    assert axes.shared == ("train.epochs=2",)
    found = [(one["train.lr"], one["model.options"]) for one in axes.combinations(None, 0)]
    assert found == [
        ("1e-3", "{width: 4, depth: 2}"),
        ("1e-3", "{width: 8}"),
        ("3e-4", "{width: 4, depth: 2}"),
        ("3e-4", "{width: 8}"),
    ]
    parsed = parse_assignments(assignments_of(axes.combinations(None, 0)[0]))
    assert parsed == {"train": {"lr": 1e-3}, "model": {"options": {"width": 4, "depth": 2}}}


def test_nothing_swept_is_one_combination_and_the_last_of_a_key_counts():
    assert Axes.parse([]).combinations(None, 0) == [{}]
    axes = Axes.parse(["train.lr=1,2,3", "train.lr=5,5,6"])
    assert [one["train.lr"] for one in axes.combinations(None, 0)] == ["5", "6"]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 40), st.integers(0, 9))
def test_draws_from_a_grid_do_not_repeat_and_a_longer_sweep_begins_with_a_shorter(sizes, draws, seed):
    texts = [f"train.k{n}={','.join(str(v) for v in range(size + 1))}" for n, size in enumerate(sizes)]
    axes = Axes.parse(texts)
    found = axes.combinations(draws, seed)
    total = math.prod(size + 1 for size in sizes)
    assert len(found) == min(draws, total)
    assert len({tuple(one.items()) for one in found}) == len(found)
    assert all(one in axes.combinations(None, 0) for one in found)
    assert axes.combinations(draws + 3, seed)[: len(found)] == found
    assert list(found[0]) == [f"train.k{n}" for n in range(len(sizes))]


def test_a_range_is_drawn_evenly_on_a_logarithmic_scale():
    axes = Axes.parse(["train.lr=1e-4..1e-2", "train.batch=4,8"])
    found = axes.combinations(4000, 1)
    rates = [float(one["train.lr"]) for one in found]
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)
    # Half of the draws lie below the middle of the exponents; evenly on a plain scale it would be a tenth.
    assert 0.46 < sum(rate < 1e-3 for rate in rates) / len(rates) < 0.54
    assert {one["train.batch"] for one in found} == {"4", "8"}
    assert found == axes.combinations(4000, 1)
    assert found != axes.combinations(4000, 2)


@given(st.floats(1e-8, 1e3), st.floats(1.0001, 1e4), st.integers(0, 99))
def test_a_drawn_value_never_leaves_its_range(low, factor, seed):
    axes = Axes.parse([f"train.lr={low!r}..{low * factor!r}"])
    axis = axes.swept[0]
    value = float(axis.drawn(random.Random(seed)))
    assert value == pytest.approx(min(max(value, axis.low), axis.high), rel=1e-5)


def test_a_key_may_name_a_run_of_the_pipeline_first():
    assert Axes.parse(["runs.unet.train.lr=1e-3,1e-4"]).keys == ("runs.unet.train.lr",)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["train.lr"], "--set takes key=value,value"),
        (["train.=1,2"], "--set takes key=value,value"),
        (["train.lr=1,,2"], "a value is missing"),
        (["train.lr=0..1"], "from a number above 0 to a higher one"),
        (["train.lr=1e-2..1e-4"], "from a number above 0 to a higher one"),
        (["dataset.count=4,8"], "'dataset.count' has one value for all.*train"),
        (["evaluate.threshold=0.1,0.2"], "'evaluate.threshold' has one value"),
        (["runs.unet.predict.flips=1,4"], "has one value for all"),
    ],
)
def test_what_cannot_be_swept_is_explained(texts, message):
    with pytest.raises(ConfigError, match=message):
        Axes.parse(texts)


def test_a_range_needs_draws():
    with pytest.raises(ConfigError, match=r"train\.lr=0\.0001\.\.0\.01.*--random N"):
        Axes.parse(["train.lr=1e-4..1e-2"]).combinations(None, 0)
