"""Reports, comparisons and benchmarks of photographs that are no patients."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from retseg.core.types import CLASS_MAP, INSTANCES
from retseg.evaluation.comparison import CompareSystem, compare_systems
from retseg.evaluation.sums import ImageSums, SystemSums
from retseg.metrics.registry import METRICS
from retseg.reporting.benchmark_files import Benchmark
from retseg.reporting.benchmark_page import write_benchmark_page
from retseg.reporting.case_panels import error_legend
from retseg.reporting.class_panels import ClassPanelMaker
from retseg.reporting.compare_page import ComparedSystem, write_compare_page
from retseg.reporting.config import ReportConfig
from retseg.reporting.run_files import read_run
from tests.reporting.conftest import PEOPLE, STREETS, Page
from tests.reporting.test_case_panels import pixels
from tests.reporting.test_run_report import flat

OF_EYES = re.compile(r"patient|vessel|\beyes?\b|retina|calibre|medical|operating point", re.IGNORECASE)


@pytest.fixture(scope="module")
def street_page(streets, draw) -> Page:
    return draw(streets[1], streets[0])


@pytest.fixture(scope="module")
def people_page(people, draw) -> Page:
    return draw(people[1], people[0])


@pytest.fixture(scope="module")
def compared(streets, tmp_path_factory) -> Page:
    prepared, runs = streets
    names = ("iou", "accuracy", "dice", "cldice")
    systems = []
    for run in runs:
        record = read_run(run, prepared.classes)
        images = []
        for image in sorted(record.scores.ids):
            found = {name: record.scores.value(image, run.name, "(mean of classes)", name) for name in names}
            values = {name: np.nan if value is None else value for name, value in found.items()}
            images.append(ImageSums(image, image, None, None, values))
        systems.append(CompareSystem(run.name, (SystemSums(run.name, "system", None, names, tuple(images)),)))
    data = compare_systems(systems, [METRICS.get(name) for name in names], resamples=200)
    out = tmp_path_factory.mktemp("compared")
    return Page(write_compare_page(data, [ComparedSystem(run.name, (run,)) for run in runs], prepared, out))


def test_no_word_of_eyes_stands_on_the_pages(street_page, people_page, compared) -> None:
    for page in (street_page, people_page, compared):
        text = flat(page.text).split("What the figures mean")[0]
        found = [text[max(0, m.start() - 40) : m.end() + 20] for m in OF_EYES.finditer(text)]
        assert not found
        assert "For research use only." in text


def test_photographs_are_counted_once(street_page) -> None:
    text = flat(street_page.text)
    assert "8 photographs" in text
    assert "photographs of 4" not in text
    assert street_page.row("Trained on")[1] == "2 photographs"
    assert "percentile bootstrap over photographs (4 photographs, 10 000 resamples)" in text
    assert "Field of view" not in [row[0] for row in street_page.rows if row]


def test_headings_say_what_is_a_mean_over_classes(street_page) -> None:
    columns = next(row for row in street_page.rows if row[:2] == ["System", "Mean IoU"])
    assert columns[2:5] == ["Pixel accuracy", "Mean AP", "Mean Dice"]
    assert next(row for row in street_page.rows if row[:1] == ["System"] and "IoU" in row)
    text = flat(street_page.text)
    assert "its mean IoU over all test pixels, averaged over the classes, is" in text
    assert "of the pixels their class." in text


def test_classes_never_seen_have_a_remark_once_for_all_systems(street_page, streets, draw, tmp_path: Path) -> None:
    assert flat(street_page.text).count("No training photograph shows thing 21 and thing 3. They are N/A") == 1
    run = streets[1][0]
    folder = shutil.copytree(run.evaluate, tmp_path / "evaluate")
    summary = json.loads((folder / "summary.json").read_text())
    warned = {**summary, "warnings": ["Nothing was learnt of thing 3 and thing 21."]}
    (folder / "summary.json").write_text(json.dumps(warned))
    text = flat(draw([replace(run, evaluate=folder)], streets[0]).text)
    assert "Warning: Nothing was learnt of thing 3 and thing 21." in text
    assert "No training photograph shows" not in text


def test_the_page_has_a_chapter_of_classes_and_is_well_made(street_page) -> None:
    headings = [a["id"] for a in street_page.all("h2")]
    assert headings == ["summary", "results", "by-class", "strips", "training", "facts", "test-images"]
    text = flat(street_page.text)
    assert "Confusion of the classes by good" in text
    assert "Confusion of the classes by poor" in text
    assert "confusion.csv" in text
    assert "void: the reference says nothing" in text
    ids = [attributes["id"] for _, attributes in street_page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in street_page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(below - above <= 1 for above, below in pairwise(levels))
    for tag, attributes in street_page.elements:
        assert "style" not in attributes, tag
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:"))


def test_images_come_from_the_worst_to_the_best(streets, draw) -> None:
    page = draw(streets[1][1:], streets[0], ReportConfig(max_images=3))
    text = flat(page.text)
    assert "The images are ordered by the mean IoU, the worst first; the best one is shown last." in text
    values = [float(value) for value in re.findall(r"Mean IoU (\d\.\d{3})", text)]
    assert len(values) == 3
    assert values == sorted(values)
    record = read_run(streets[1][1], STREETS)
    every = [record.scores.value(i, "poor", "(mean of classes)", "iou") for i in record.scores.ids]
    assert values[0] == pytest.approx(min(every), abs=1e-3)
    assert values[-1] == pytest.approx(max(every), abs=1e-3)
    assert "3 images of 4 are shown here" in text


def test_a_case_shows_only_the_classes_that_occur(streets) -> None:
    prepared, runs = streets
    record = read_run(runs[0], prepared.classes)
    sample = prepared.split("test")[0]
    panels = ClassPanelMaker([record], prepared, ReportConfig()).panels(sample, "c")
    (row,) = panels.rows
    assert [panel.caption for panel in row.panels] == ["Photograph", "Reference", "Prediction", "Errors"]
    truth = prepared.case(sample).targets[CLASS_MAP]
    present = {prepared.classes.names[i] for i in np.unique(truth) if i != 255}
    assert present <= {block.heading for block in panels.per_class}
    assert len(panels.per_class) <= 8
    assert all([panel.caption for panel in block.panels] == ["Reference", "Probability"] for block in panels.per_class)
    assert panels.legend[-1].hatched
    reference = pixels(row.panels[1])
    shown = truth < 23
    assert np.array_equal(reference[shown], prepared.classes.palette[truth][shown])
    assert error_legend(prepared.classes) == ()


def test_a_run_without_probabilities_is_shown_by_its_class_map(streets, draw, tmp_path: Path) -> None:
    prepared, runs = streets
    folder = shutil.copytree(runs[0].predict, tmp_path / "predict")
    shutil.rmtree(folder / "classes")
    page = draw([replace(runs[0], predict=folder)], prepared)
    assert "Probability of" not in " ".join(image["alt"] for image in page.all("img"))
    assert sum("Errors of good" in image["alt"] for image in page.all("img")) == 4


def test_touching_figures_are_shown_apart(people, people_page) -> None:
    prepared, runs = people
    record = read_run(runs[0], PEOPLE)
    sample = prepared.split("test")[3]
    panels = ClassPanelMaker([record], prepared, ReportConfig()).panels(sample, "c")
    shown = {panel.caption: panel for panel in panels.rows[1].panels}
    truth = prepared.case(sample).targets[INSTANCES]
    assert list(shown)[:2] == [f"Reference: {truth.max()}", f"Watershed: {truth.max()}"]
    pieces = next(name for name in shown if name.startswith("Connected components"))
    assert int(pieces.rsplit(" ", 1)[1]) != truth.max()
    text = flat(people_page.text)
    assert "Watershed separates better than connected components" in text
    assert [a["id"] for a in people_page.all("h2")].index("instances") == 3
    assert people_page.row("Told apart one by one")[1] == "person"


def test_an_image_stays_small(make_world, draw) -> None:
    """At most 150 kB for a photograph of 320 x 240 pixels and one system."""
    world = make_world("streets", size=(240, 320), grain=4.0, trains=1, tests=1, observer=False)
    prepared = world.prepare()
    page = draw([world.run(prepared, "net")], prepared)
    (article,) = page.source.split("<article")[1:]
    photograph = next(image["src"] for image in page.all("img") if image["alt"].startswith("Photograph"))
    # The drawn photograph is noise, which no encoding makes small; a real one takes about a fifth of that.
    assert len(article) < 150_000 + 2 * len(photograph)


def test_the_comparison_has_its_own_measures_and_lays_class_maps_side_by_side(compared) -> None:
    text = flat(compared.text)
    assert "By mean IoU" in text
    assert "Mean IoU, 4 photographs" in text
    assert "Centreline" not in text
    assert "Shape of the" not in text
    assert "the smallest share of pixels that two systems give the same class" in text
    assert re.search(r"good and poor: \d+% alike", text)
    assert sum("Errors of poor" in image["alt"] for image in compared.all("img")) == 4
    assert "the colour of the class that was predicted there" in text


def test_a_benchmark_of_such_sets_speaks_of_sets_and_means(tmp_path: Path) -> None:
    figures = {name: {"pooled": 0.5, "mean": 0.4, "low": 0.3, "high": 0.6} for name in ("iou", "accuracy", "dice")}
    cell = {"system": "unet", "train": "msrc", "n_patients": 12, "n_images": 12, "figures": figures}
    line = "msrc, test: 12 photographs of 12 patients; argmax."
    cells = [{**cell, "test": name, "protocol": line} for name in ("msrc", "stanford-background")]
    table = {
        "systems": ["unet"],
        "train": ["msrc"],
        "test": ["msrc", "stanford-background"],
        "metrics": ["auc", "dice"],
        "cells": cells,
    }
    assert Benchmark.of(table).metrics == ("iou", "accuracy")
    text = flat(Page(write_benchmark_page(table, tmp_path)).text)
    assert not OF_EYES.search(text.split("What the figures mean")[0])
    assert "camera" not in text
    assert "sets that it never saw" in text
    assert "reaches a mean IoU of 0.500" in text
    assert "12 photographs" in text
