import csv

import numpy as np
import pytest

from retseg.training.lr_finder import HIGHEST, LOWEST, find_learning_rate, smoothed, steepest, write_search


def test_the_smoothed_course_begins_at_the_first_loss():
    assert smoothed([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert smoothed([1.0, 0.0])[1] == pytest.approx(0.09 / 0.19)


def test_the_suggestion_is_where_a_made_up_loss_falls_fastest():
    rates = np.geomspace(1e-6, 1.0, 121)
    falls_at_a_thousandth = 1 / (1 + (rates / 1e-3) ** 2) + 50 * np.maximum(np.log10(rates) + 1, 0)
    assert steepest(rates, falls_at_a_thousandth) == pytest.approx(1e-3, rel=0.15)


def test_rates_are_tried_on_the_training_and_drawn(tiny_job, tmp_path):
    search = find_learning_rate(tiny_job, steps=40)
    assert search.rates[0] == pytest.approx(LOWEST)
    assert list(search.rates) == sorted(search.rates)
    assert LOWEST < search.suggestion < HIGHEST
    assert min(search.smoothed) < 0.95 * search.smoothed[0], "at some rate the net learns"
    again = find_learning_rate(tiny_job, steps=40)
    assert again == search
    write_search(search, tmp_path, "unet on little")
    rows = list(csv.DictReader((tmp_path / "learning_rates.csv").open()))
    assert len(rows) == len(search.rates)
    assert (tmp_path / "learning_rates.png").read_bytes().startswith(b"\x89PNG")
