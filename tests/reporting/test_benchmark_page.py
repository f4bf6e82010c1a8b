from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from retseg.core.errors import InputError
from retseg.reporting.benchmark_files import BenchmarkCell, split_sets
from retseg.reporting.benchmark_page import write_benchmark_page
from tests.reporting.conftest import Page


def cell(train: str, test: str, dice: float, **more: Any) -> dict[str, Any]:
    figures = {
        "dice": {"pooled": dice, "mean": dice - 0.01, "low": dice - 0.02, "high": dice + 0.02, "seed_sd": 0.004},
        "cldice": {"pooled": None, "mean": dice + 0.05, "low": None, "high": None, "seed_sd": None},
    }
    protocol = f"{test}, test: 30 photographs; inside the field of view; vessel where probability > {dice}."
    base = {"system": "net", "train": train, "test": test, "folds": None, "seeds": [0, 1, 2], "n_patients": 30}
    return {**base, "n_images": 45, "figures": figures, "weak": False, "protocol": protocol, "run": "runs/x", **more}


def table(*cells: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {"title": "Across cameras", "systems": ["net"], "train": ["chase", "chase+hrf"], "test": ["chase", "hrf"]}
    return {**base, "metrics": ["dice", "cldice"], "cells": list(cells), **more}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    data = table(
        cell("chase", "chase", 0.81, folds=5),
        cell("chase", "hrf", 0.7, n_patients=4, weak=True),
        cell("chase+hrf", "hrf", 0.8),
        {"system": "net", "train": "chase+hrf", "test": "chase", "reason": "the runs were lost"},
    )
    return Page(write_benchmark_page(data, tmp_path_factory.mktemp("out")))


def rows(page: Page, heading: str) -> list[list[str]]:
    return [[text.replace("\N{NO-BREAK SPACE}", " ") for text in row] for row in page.rows if row[0] == heading]


def test_each_cell_stands_in_its_place_with_what_it_rests_on(page: Page) -> None:
    dice, cldice = rows(page, "CHASE_DB1")
    assert dice[1] == "0.810 [0.790, 0.830] mean over images 0.800 SD of 3 seeds 0.004 n = 30, 5 folds own camera"
    assert "n = 4, weak" in dice[2]
    assert "own camera" not in dice[2]
    assert cldice[1].startswith("0.860")
    assert "[" not in cldice[1]


def test_the_own_camera_is_set_apart_by_more_than_colour(page: Page) -> None:
    assert len(page.all("td", **{"class": "apart"})) == 2 * 2
    found = re.findall(r'<td class="apart"><strong>([\d.]+)</strong>', page.source)
    assert found == ["0.810", "0.800", "0.860", "0.850"]
    _, joined = (rows(page, "CHASE_DB1 + HRF")[0][i] for i in (1, 2))
    assert "own camera" in joined


def test_a_missing_cell_is_a_dash_with_its_reason(page: Page) -> None:
    assert rows(page, "CHASE_DB1 + HRF")[0][1] == "– [1]"
    assert "[1] the runs were lost." in " ".join(page.text.split())


def test_a_cell_that_nobody_speaks_of_was_not_computed(tmp_path: Path) -> None:
    page = Page(write_benchmark_page(table(cell("chase", "chase", 0.8)), tmp_path))
    assert rows(page, "CHASE_DB1")[0][2] == "– [1]"
    assert "[1] Not computed." in " ".join(page.text.split())
    assert not rows(page, "CHASE_DB1 + HRF"), "a row without any cell is not there"


def test_the_protocol_stands_under_every_table(page: Page) -> None:
    text = " ".join(page.text.split())
    assert text.count("Protocol: inside the field of view; what differs") == 2
    assert "chase, test: 30 photographs; vessel where probability > 0.81" in text


def test_the_summary_tells_own_from_foreign(page: Page) -> None:
    text = " ".join(page.text.split())
    assert (
        "net trained on CHASE_DB1 reaches a Dice of 0.810 on CHASE_DB1, its own camera; 0.700 on HRF, "
        "cameras that it never saw."
    ) in text
    assert "marked as weak" in text


def test_many_rows_are_told_by_their_range(tmp_path: Path) -> None:
    systems = [f"net{i}" for i in range(4)]
    cells = [
        cell("chase", test, 0.7 + i / 100, system=name) for i, name in enumerate(systems) for test in ("chase", "hrf")
    ]
    page = Page(write_benchmark_page(table(*cells, systems=systems), tmp_path))
    text = " ".join(page.text.replace("\N{NO-BREAK SPACE}", " ").split())
    assert "tested on its own camera, Dice lies between 0.700 and 0.730 (4 cells)" in text


def test_no_test_is_said_at_the_top(tmp_path: Path) -> None:
    wrong = cell("chase", "chase", 0.9, protocol="chase; NOT A TEST: the weights were fitted on 3 patients.")
    page = Page(write_benchmark_page(table(wrong), tmp_path))
    assert page.all("div", **{"class": "banner"})
    assert "NOT A TEST: patients are scored" in " ".join(page.text.split())


def test_an_empty_benchmark_and_a_damaged_one(tmp_path: Path) -> None:
    page = Page(write_benchmark_page(table(), tmp_path))
    assert "No cell of this table has been computed." in page.text
    with pytest.raises(InputError, match="not as benchmark writes it"):
        write_benchmark_page({"cells": []}, tmp_path)


def test_sets_and_cameras() -> None:
    assert split_sets("chase+hrf") == split_sets("chase, hrf") == ("chase", "hrf")
    assert BenchmarkCell("s", "chase+hrf", "hrf", {}).same_camera
    assert not BenchmarkCell("s", "chase", "hrf", {}).same_camera
