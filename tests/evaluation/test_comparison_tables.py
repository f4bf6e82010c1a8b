from __future__ import annotations

import csv
import json
from dataclasses import replace

from retseg.evaluation.comparison import CompareSystem, compare_systems, write_comparison
from retseg.evaluation.comparison_tables import COLUMNS, PAIR_COLUMNS
from tests.evaluation.made_up import ALL, made_up, with_values


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def written(folder, patients=6):
    systems = [CompareSystem(name, (made_up(name, patients, seed=k),)) for k, name in enumerate(['a, "b"', "c"])]
    data = compare_systems(systems, ALL, resamples=100)
    write_comparison(folder, data)
    return data


def test_the_tables_hold_every_figure_with_all_digits(tmp_path):
    data = written(tmp_path / "new")
    assert json.loads((tmp_path / "new" / "comparison.json").read_text()) == data
    lines = read(tmp_path / "new" / "comparison.csv")
    assert tuple(lines[0]) == COLUMNS
    assert len(lines) == 2 * 2 * len(ALL)
    for line in lines:
        cell = data["tables"][line["view"]][line["metric"]][line["system"]]
        for key, value in cell.items():
            assert line[key] == "" if value is None else float(line[key]) == value
        assert (line["n_patients"], line["n_images"], line["weak"], line["seeds"]) == ("6", "6", "FALSE", "1")


def test_pairs_read_back(tmp_path):
    data = written(tmp_path)
    lines = read(tmp_path / "pairs.csv")
    assert tuple(lines[0]) == PAIR_COLUMNS
    assert len(lines) == len(data["pairs"])
    for line, pair in zip(lines, data["pairs"], strict=True):
        assert (line["a"], line["b"], line["n_patients"]) == (pair["a"], pair["b"], "6")
        assert float(line["difference"]) == pair["difference"]
        assert line["significant"] == str(pair["significant"]).upper()
        assert line["p_wilcoxon"] == ("" if pair["p_wilcoxon"] is None else repr(pair["p_wilcoxon"]))


def test_what_was_not_tested_is_empty(tmp_path):
    written(tmp_path, patients=3)
    assert {line["weak"] for line in read(tmp_path / "comparison.csv")} == {"TRUE"}
    for line in read(tmp_path / "pairs.csv"):
        assert line["significant"] == line["p_bootstrap"] == ""
        assert line["n_patients"] == "3"


def test_the_short_table_of_several_classes_has_no_empty_columns(tmp_path):
    systems = []
    for name, iou in (("a", 0.5), ("b", 0.4)):
        sums = with_values({"1": [iou], "2": [iou]}, "iou", name)
        values = {"iou": iou, "dice": iou + 0.1, "bends": float("nan")}
        images = tuple(replace(image, values=values) for image in sums.images)
        systems.append(CompareSystem(name, (replace(sums, images=images, pooled={"iou": iou, "dice": iou + 0.1}),)))
    write_comparison(tmp_path, compare_systems(systems, ALL, resamples=100))
    heading, _, first, second = (tmp_path / "comparison.md").read_text().splitlines()[:4]
    assert heading == "| system | Dice, 95% interval (mean) | IoU |"
    assert first == "| `a` | 0.600 (0.600) | 0.500 |"
    assert second.startswith("| `b` |")


def test_the_short_table_of_one_class_has_its_columns(tmp_path):
    written(tmp_path)
    heading = (tmp_path / "comparison.md").read_text().splitlines()[0]
    assert heading == "| system | AUC | AP | Dice, 95% interval (mean) | MCC | ECE |"
