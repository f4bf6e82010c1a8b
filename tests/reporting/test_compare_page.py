from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from retseg.core.errors import InputError
from retseg.datasets.prepared import PreparedSet
from retseg.reporting.compare_page import ComparedSystem, write_compare_page
from tests.reporting.comparison_files import comparison_of
from tests.reporting.conftest import Page, World

Compared = tuple[PreparedSet, dict[str, Any], list[ComparedSystem]]


@pytest.fixture(scope="module")
def compared(make_world: Callable[..., World]) -> Compared:
    """Two seeds of one net, and maps of other people's, on two patients."""
    world = make_world()
    prepared = world.prepare()
    nets = [world.run(prepared, f"net-{seed}", seed=seed) for seed in (0, 1)]
    others = replace(world.run(prepared, "others", blur=0.6, seed=9), train=None)
    data, systems = comparison_of(world, {"net": nets, "others": [others]})
    return prepared, data, systems


@pytest.fixture(scope="module")
def page(compared: Compared, tmp_path_factory: pytest.TempPathFactory) -> Page:
    prepared, data, systems = compared
    # As it comes back from the file.
    data = json.loads(json.dumps(data))
    return Page(write_compare_page(data, systems, prepared, tmp_path_factory.mktemp("out"), images=2))


def flat(text: str) -> str:
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def test_the_page_holds_together(page: Page) -> None:
    assert page.path.name == "compare.html"
    tags = [tag for tag, _ in page.elements]
    assert tags.count("h1") == tags.count("main") == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(below - above <= 1 for above, below in pairwise(levels))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)
    assert {name for _, a in page.elements for name in a.get("aria-labelledby", "").split()} <= set(ids)


def test_nothing_is_fetched_and_nothing_is_styled_in_place(page: Page) -> None:
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    assert "default-src 'none'" in policy
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name, "")
            assert value == "" or value.startswith(("#", "data:")), (tag, value)
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)


def test_few_patients_are_said_to_be_too_few(page: Page) -> None:
    text = flat(page.text)
    assert "No significance test is made: with 2 patients" in text
    assert "weak: fewer than six patients" in text
    assert "Significant" not in text


def test_all_parts_are_there(page: Page) -> None:
    ids = {a["id"] for _, a in page.elements if "id" in a}
    assert {"figures", "differences", "curves", "patients", "test-images", "meanings"} <= ids
    assert {"chart-losses-title", "chart-roc-title", "chart-pr-title", "chart-reliability-title"} <= ids
    assert {"plot-dice-title", "plot-cldice-title", "plot-auc-title"} <= ids
    text = flat(page.text)
    assert text.count("Not a medical device") == 1
    assert "means over the seeds" in text
    assert "Centreline Dice" in text
    captions = len(page.all("table"))
    assert text.count("Protocol:") >= captions - 1, "under every table but that of the reliability's bins"


def test_pictures_of_the_images_that_differ_most(page: Page) -> None:
    pictures = page.all("img")
    assert len(pictures) == 2 * 4
    assert all(one["alt"] and int(one["width"]) > 0 for one in pictures)
    assert len({one["alt"] for one in pictures}) == len(pictures)


def test_the_same_files_give_the_same_page(page: Page, compared: Compared, tmp_path: Path) -> None:
    prepared, data, systems = compared
    assert write_compare_page(data, systems, prepared, tmp_path, images=2).read_text(encoding="utf-8") == page.source


def test_patients_of_the_training_are_called_no_test(compared: Compared, tmp_path: Path) -> None:
    prepared, data, systems = compared
    path = systems[1].runs[0].evaluate / "summary.json"
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(json.dumps({**json.loads(text), "fit_overlap": {"weights": ["p0"], "threshold": []}}))
        page = Page(write_compare_page(data, systems, prepared, tmp_path, images=0))
    finally:
        path.write_text(text, encoding="utf-8")
    assert page.all("div", **{"class": "banner"})
    assert "NOT A TEST: the weights of others were fitted on 1 scored patient (p0)." in flat(page.text)


def test_names_are_escaped(compared: Compared, tmp_path: Path) -> None:
    prepared, data, systems = compared
    name = "<script>alert(1)</script>"
    changed = json.loads(json.dumps(data).replace('"others"', json.dumps(name)))
    page = Page(write_compare_page(changed, [systems[0], replace(systems[1], name=name)], prepared, tmp_path))
    assert "<script>alert" not in page.source
    assert name in page.text


def test_mistakes_are_explained(compared: Compared, tmp_path: Path) -> None:
    prepared, data, systems = compared
    with pytest.raises(InputError, match="no system called strange"):
        write_compare_page(data, [replace(systems[0], name="strange")], prepared, tmp_path)
    with pytest.raises(InputError, match="at least one system"):
        write_compare_page(data, [], prepared, tmp_path)
    with pytest.raises(InputError, match="no run was given for net"):
        write_compare_page(data, [ComparedSystem("net", ())], prepared, tmp_path)
