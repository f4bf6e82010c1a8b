from __future__ import annotations

import csv
import math

from retseg.evaluation.tables import COLUMNS, Place, write_confusion, write_metrics


def test_lines_read_back_with_all_digits(tmp_path):
    value, threshold = 1 / 3, 0.1 + 0.2
    place = Place('left/a, "b"', "child 1", "net", "vessel")
    write_metrics(tmp_path / "metrics.csv", place.rows({"dice": value, "mcc": math.nan}, "threshold", threshold))
    with (tmp_path / "metrics.csv").open(newline="", encoding="utf-8") as file:
        dice, mcc = csv.DictReader(file)
    assert tuple(dice) == COLUMNS
    assert (dice["id"], dice["class"], dice["decision"]) == ('left/a, "b"', "vessel", "threshold")
    assert (float(dice["value"]), float(dice["threshold"])) == (value, threshold)
    assert mcc["value"] == ""


def test_without_a_line_there_is_the_heading(tmp_path):
    write_metrics(tmp_path / "metrics.csv", [])
    assert (tmp_path / "metrics.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_a_name_that_is_no_valid_unicode_survives(tmp_path):
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    write_metrics(tmp_path / "metrics.csv", Place(name, "1", "net", "vessel").rows({"dice": 1.0}, "threshold", 0.5))
    assert b"caf\xe9," in (tmp_path / "metrics.csv").read_bytes()


def test_the_confusion_matrix_has_names_on_both_sides(tmp_path):
    write_confusion(tmp_path / "confusion.csv", ["sky", "tree, tall"], [[5, 1], [0, 7]])
    with (tmp_path / "confusion.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["truth", "sky", "tree, tall"], ["sky", "5", "1"], ["tree, tall", "0", "7"]]
