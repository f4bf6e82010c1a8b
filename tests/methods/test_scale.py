from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retseg.methods.scale import to_score


@given(seed=st.integers(0, 999), factor=st.floats(0.01, 100))
def test_the_90th_percentile_inside_the_field_scores_one_half_whatever_the_scale(seed, factor):
    rng = np.random.default_rng(seed)
    response, fov = (rng.random((20, 30)) * factor).astype(np.float32), rng.random((20, 30)) < 0.7
    score = to_score(response, fov, 1e-9)
    assert np.mean(score[fov] >= 0.5) == pytest.approx(0.1, abs=0.01)
    assert not score[~fov].any()
    order = np.argsort(response[fov])
    assert (np.diff(score[fov][order]) >= 0).all()


def test_what_is_below_the_floor_stays_low_and_negative_responses_are_zero():
    response = np.array([[0.001, -1.0, 0.002]], np.float32)
    score = to_score(response, np.ones((1, 3), bool), 0.01)
    assert score.tolist() == [[pytest.approx(1 / 11), 0.0, pytest.approx(2 / 12)]]


def test_an_empty_field_of_view_has_no_score():
    assert not to_score(np.ones((3, 3), np.float32), np.zeros((3, 3), bool), 0.1).any()
