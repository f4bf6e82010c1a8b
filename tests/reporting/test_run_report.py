from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from retseg.core.errors import InputError
from retseg.core.types import ClassInfo
from retseg.reporting.config import ReportConfig
from retseg.reporting.run_report import write_run_report


def flat(text: str) -> str:
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def test_nothing_is_fetched_from_anywhere(page) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            value = attributes.get(name, "")
            assert not re.match(r"(https?:)?//", value), (tag, value)
            assert value == "" or value.startswith(("#", "data:")), (tag, value)
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
    assert not page.all("iframe")
    assert not page.all("link", rel="stylesheet")


def test_links_lead_to_places_that_exist_and_ids_are_unique(page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {link["href"][1:] for link in page.all("a")}
    assert targets <= set(ids)
    named = {name for _, a in page.elements for name in a.get("aria-labelledby", "").split()}
    assert named <= set(ids)


def test_the_page_is_structured_and_says_what_it_is(page) -> None:
    tags = [tag for tag, _ in page.elements]
    assert tags.count("h1") == tags.count("main") == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert page.all("html")[0]["lang"] == "en"
    text = flat(page.text)
    assert text.count("Not a medical device") == 1
    assert "good and poor on drawn" in text
    assert "a tenth of the mean over pixels" in text


def test_every_picture_has_words_and_a_size(page) -> None:
    pictures = page.all("img")
    assert len(pictures) == 4 * 4 * 4
    assert all(one["alt"] and int(one["width"]) > 0 and int(one["height"]) > 0 for one in pictures)
    assert {one["src"].split(";")[0] for one in pictures} == {"data:image/png", "data:image/jpeg"}
    assert len({one["alt"] for one in pictures}) == len(pictures)


def test_every_row_and_every_image_is_there(page) -> None:
    for heading in ("good threshold 0.4375", "good threshold 0.5", "poor threshold 0.4375", "second human observer"):
        assert sum(row[0].replace("\N{NO-BREAK SPACE}", " ") == heading for row in page.rows if row) >= 2
    human = next(row for row in page.rows if row and row[0] == "second human observer")
    assert human[1:3] == ["N/A", "N/A"]
    for number in range(4):
        assert f"test/{number:02d}" in page.text
    assert [row[1:] for row in page.rows if row and row[0] == "Recipe"] == [["default", "lecture"]]


def test_the_same_files_give_the_same_page(page, vessels, draw) -> None:
    assert draw(vessels[1], vessels[0]).source == page.source


def test_one_system_has_no_bold_and_no_comparison(vessels, draw) -> None:
    page = draw(vessels[1][:1], vessels[0])
    assert "Bold" not in page.text
    assert "poor" not in page.text
    assert len(page.all("img")) == 4 * 3 * 4


def test_every_part_of_an_evaluation_has_its_place(page) -> None:
    headings = [a["id"] for a in page.all("h2")]
    assert headings == ["summary", "results", "curves", "strips", "density", "training", "facts", "test-images"]
    assert {link["href"] for link in page.all("a")} >= {"#curves", "#strips", "#density"}
    text = flat(page.text)
    for caption in ("By vessel width", "Agreement with each observer", "Vessel density in % of the field of view"):
        assert caption in text
    assert "NOT A TEST" not in text
    tables = [a for a in page.all("table") if a["class"] == "numeric"]
    charts = [a for a in page.all("div") if a.get("class") == "charts"]
    # The protocol is under every table of the test, and under the charts; training and validation have none.
    assert text.count("Protocol: drawn, test") == len(tables) - 2 + len(charts) - 2


def test_what_is_no_test_says_so_first_and_on_every_printed_page(vessels, draw, tmp_path: Path) -> None:
    prepared, systems = vessels
    folder = shutil.copytree(systems[0].evaluate, tmp_path / "evaluate")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**summary, "fit_overlap": {"weights": ["p0-test"]}}))
    page = draw([replace(systems[0], evaluate=folder)], prepared)
    assert page.all("body") == [{"class": "no-test"}]
    order = [a.get("class") for _, a in page.elements]
    assert order.index("banner") < order.index("skip")
    assert (
        flat(page.text)
        .lstrip()
        .split("NOT A TEST", 1)[1]
        .startswith(": the weights were fitted on 1 scored patient (p0-test).")
    )
    style = re.search(r"@media print \{.*", page.source, re.DOTALL)
    assert style is not None
    # Browsers repeat the head of a table on every page, and nothing else.
    assert re.search(r"\.no-test \.banner \{ display: table-header-group", style.group())


def test_many_systems_have_a_page_that_can_be_read(many, draw) -> None:
    prepared, systems = many
    page = draw(systems, prepared)
    text = flat(page.text)
    assert "7 systems on drawn" in text
    assert "Curves are drawn for the 5 of 7 systems with the largest area under the ROC curve" in text
    # Photograph and three classes, one small picture of each system, the observer's errors and classes.
    assert len(page.all("img")) == 2 * (4 + 7 + 4)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    (behind,) = {use["href"] for use in page.all("use")}
    assert behind[1:] in ids
    assert len(page.all("use")) == 7
    assert page.row("System", "Parameters")[-3:] == ["Test AUC", "Test Dice", "Test clDice"]


def test_a_folder_of_an_older_version_makes_a_page(vessels, draw, tmp_path: Path) -> None:
    prepared, systems = vessels
    folder = shutil.copytree(systems[0].evaluate, tmp_path / "evaluate")
    (folder / "curves.json").unlink()
    summary = json.loads((folder / "summary.json").read_text())
    new = ("intervals", "undefined", "agreement", "by_width", "width_edges", "density", "traps", "warnings", "missing")
    kept = {key: value for key, value in summary.items() if key not in (*new, "matched")}
    (folder / "summary.json").write_text(json.dumps(kept))
    page = draw([replace(systems[0], evaluate=folder)], prepared)
    assert [a["id"] for a in page.all("h2")] == ["summary", "results", "strips", "training", "facts", "test-images"]
    assert "By vessel width" not in page.text


EVIL = "<script>alert(1)</script>"
BROKEN = '"><img src=x onerror=alert(1)>'


def test_names_are_text_and_never_markup(make_world, draw) -> None:
    world = make_world(dataset="plain")
    world.classes = replace(
        world.classes, items=(world.classes.items[0], ClassInfo(BROKEN, (9, 9, 9)), world.classes.items[2])
    )
    prepared = world.prepare()
    systems = [replace(world.run(prepared, "net"), name=EVIL)]
    page = draw(systems, prepared, ReportConfig(title=f"{EVIL}{BROKEN}"))
    assert len(page.all("script")) == 1
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert EVIL in page.text
    assert BROKEN in page.text


def test_a_set_without_labels_is_shown_without_scores(make_world, draw) -> None:
    world = make_world(labelled=False)
    prepared = world.prepare()
    page = draw([world.run(prepared, "net")], prepared)
    text = flat(page.text)
    assert "The test images have no reference labels, so nothing could be scored." in text
    assert "This image has no reference, so it is shown without scores." in text
    assert "Decision: vessel" in text
    assert not re.search(r"\bMCC\b", text)
    assert len(page.all("img")) == 4 * (1 + 4)
    assert not any(row and row[0].startswith("net threshold") for row in page.rows)


@pytest.mark.parametrize("table", ["scenes", "many"])
def test_a_task_of_several_classes_needs_no_positive_one(make_world, draw, table: str) -> None:
    world = make_world(table)
    prepared = world.prepare()
    page = draw([world.run(prepared, "net")], prepared)
    text = flat(page.text)
    assert "vessel" not in text
    assert f"one of {world.classes.count} classes" in text
    assert "the colour of the class that was predicted there" in text
    assert all(name in text for name in world.classes.names)
    # Photograph, reference, prediction, errors; classes and errors of the observer; each class as drawn and predicted.
    assert len(page.all("img")) == 4 * (4 + 2 + 2 * world.classes.count)
    assert text.count("Probabilities of the classes that occur") == 4
    assert len([a for a in page.all("div") if a.get("class") == "class-block"]) == 4 * world.classes.count
    row = next(row for row in page.rows if row and row[0] == "net" and "of" not in row[1])
    assert all(re.match(r"[01]\.\d{3} \[", cell) for cell in row[1:])


def test_a_set_without_further_observers_has_no_human_row(make_world, draw) -> None:
    world = make_world(observer=False)
    prepared = world.prepare()
    page = draw([world.run(prepared, "net")], prepared)
    assert "human" not in page.text


def test_the_page_grows_on_disk_image_by_image(vessels, tmp_path: Path) -> None:
    sizes = []
    prepared, systems = vessels

    def report(number: int, note: str) -> None:
        sizes.append((number, note, (tmp_path / "run.html").stat().st_size))

    path = write_run_report(systems, prepared, tmp_path, ReportConfig(), report)
    assert [number for number, _, _ in sizes] == [1, 1, 1, 1]
    assert len({note for _, note, _ in sizes}) == 4
    written = [size for _, _, size in sizes]
    assert written == sorted(set(written))
    # The pictures of the images to come are not in it yet.
    assert written[0] < path.stat().st_size * 2 / 3


def test_a_report_needs_a_run(vessels, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one run"):
        write_run_report([], vessels[0], tmp_path, ReportConfig())


def test_an_image_of_three_systems_stays_small(make_world, draw) -> None:
    """At most 10 MB for 8 photographs and 3 systems: a photograph of a customary size may take an eighth of that."""
    world = make_world(size=(692, 720), grain=3.0, trains=1, tests=1)
    prepared = world.prepare()
    page = draw([world.run(prepared, f"net {seed}", seed=seed) for seed in range(3)], prepared)
    assert len(page.all("img")) == 5 * 4
    assert 200_000 < len(page.source) < 10_000_000 / 8
