from __future__ import annotations

import numpy as np
import pytest

from retseg.core.errors import InputError
from retseg.datasets.base import VESSELS
from retseg.evaluation.cases import CaseFiles, score_case
from retseg.imaging.io import write_png
from retseg.imaging.maps import write_probability


@pytest.fixture
def files(tmp_path, make_eye):
    eye = make_eye("a")
    write_png(tmp_path / "label.png", eye.label)
    write_png(tmp_path / "second.png", eye.observers["second"])
    write_png(tmp_path / "fov.png", eye.fov)
    write_probability(tmp_path / "prob.png", eye.probability)
    observers = {"second": tmp_path / "second.png"}
    return CaseFiles("a", "1", tmp_path / "label.png", tmp_path / "fov.png", tmp_path / "prob.png", observers=observers)


def test_only_pixels_inside_the_field_of_view_count(files, tmp_path, make_eye):
    eye = make_eye("a")
    score = score_case(files, VESSELS, tmp_path / "used.png")
    assert score.histogram.positives == int((eye.label == 1).sum())
    assert score.histogram.positives + score.histogram.negatives == int(eye.fov.sum())
    assert int(score.observers["second"].sum()) == int(eye.fov.sum())
    assert score.confusion is None


def test_what_an_observer_left_open_does_not_count_for_him(files, tmp_path, make_eye):
    eye = make_eye("a")
    drawn = eye.observers["second"].copy()
    drawn[:12] = 255
    write_png(tmp_path / "second.png", drawn)
    score = score_case(files, VESSELS, tmp_path / "used.png")
    assert int(score.observers["second"].sum()) == int(eye.fov[12:].sum())
    assert score.histogram.positives + score.histogram.negatives == int(eye.fov.sum())


def test_scores_of_a_peer_in_eight_bits_are_read_on_their_own_scale(files, tmp_path, make_eye):
    eye = make_eye("a")
    write_png(tmp_path / "prob.png", np.rint(eye.probability * 255).astype(np.uint8))
    score = score_case(files, VESSELS, tmp_path / "used.png")
    assert set(np.flatnonzero(score.histogram.pos + score.histogram.neg) % 257) == {0}


def test_an_observer_s_map_of_another_size_is_refused(files, tmp_path):
    write_png(tmp_path / "second.png", np.zeros((30, 30), np.uint8))
    with pytest.raises(InputError, match="observer's label of 'a' has 30x30"):
        score_case(files, VESSELS, tmp_path / "used.png")


def test_a_coloured_class_map_is_refused(files, tmp_path):
    coloured = np.zeros((24, 32, 3), np.uint8)
    coloured[..., 0] = 200
    write_png(tmp_path / "label.png", coloured)
    with pytest.raises(InputError, match=r"class indices in 8 bits.*label\.png"):
        score_case(files, VESSELS, tmp_path / "used.png")
