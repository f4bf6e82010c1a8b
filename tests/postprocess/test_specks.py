from __future__ import annotations

import numpy as np
import pytest

from retseg.metrics.ranking import LEVELS, quantise
from retseg.postprocess.specks import without_specks

FOV = np.ones((100, 100), bool)


def drawn() -> np.ndarray:
    """A vessel of 60 pixels, a speck of 4 and a speck of 2 that touch at a corner, one of 9; all at 0.9 on 0.2."""
    probability = np.full((100, 100), 0.2, np.float32)
    probability[10:70, 5] = 0.9
    probability[80:82, 80:82], probability[82, 82:84] = 0.9, 0.9
    probability[50:53, 50:53] = 0.9
    return probability


@pytest.mark.parametrize(("least", "pieces"), [(0, 3), (6, 3), (7, 2), (9, 2), (10, 1), (60, 1), (61, 0)])
def test_pieces_below_the_area_go(least: int, pieces: int) -> None:
    cleaned = without_specks(drawn(), FOV, 0.5, 100 * least)
    left = [cleaned[10, 5], cleaned[50, 50], cleaned[80, 80]]
    assert sum(value > 0.5 for value in left) == pieces


@pytest.mark.parametrize("threshold", [0.25, 0.3, 0.5, 21845 / 65535, 0.8999])
def test_what_is_lowered_is_below_the_threshold_in_its_file_too(threshold: float) -> None:
    cleaned = without_specks(drawn(), FOV, threshold, 1e6)
    assert not (quantise(cleaned) / (LEVELS - 1) > threshold).any()
    assert (cleaned <= drawn()).all()


def test_nothing_else_changes_and_what_lies_outside_the_field_is_no_part_of_a_piece() -> None:
    probability, fov = drawn(), FOV.copy()
    fov[20:] = False
    cleaned = without_specks(probability, fov, 0.5, 6000)
    changed = cleaned != probability
    assert changed.sum() == 10
    assert changed[10:20, 5].all()
    assert without_specks(probability, FOV, 0.5, 0) is probability
