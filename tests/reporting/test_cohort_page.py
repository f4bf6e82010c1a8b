from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from retseg.reporting.cohort_page import write_cohort
from retseg.reporting.identity import KEY_FILE
from retseg.reporting.patients import PatientFacts, PatientTable
from tests.reporting.conftest import Page
from tests.reporting.measured_folder import Drawn, make_measured

EYES = (
    Drawn("p1_right", 1, "right"),
    Drawn("p1_left", 1, "left", "usable"),
    Drawn("p2", 2, "left", "reject"),
    Drawn("p3", 3, "right"),
)
TABLE = PatientTable.of(
    [
        PatientFacts("p1_right", "1001", "=cmd|'/C calc'!A0", "right", None, "female", 63),
        PatientFacts("p1_left", "1001", "=cmd|'/C calc'!A0", "left", None, "female", 63),
        PatientFacts("p2", "../../etc/passwd", "<script>alert(1)</script>", "left"),
    ]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_measured(tmp_path_factory.mktemp("cohort") / "predict", EYES)


@pytest.fixture(scope="module")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(write_cohort(folder, tmp_path_factory.mktemp("report") / "out", TABLE))


def test_everybody_has_a_row_a_page_and_a_thumbnail(report: Page) -> None:
    out = report.path.parent
    assert sorted(path.name for path in out.iterdir()) == [
        "cohort.csv",
        "cohort.json",
        "index.html",
        "patients",
        "thumbs",
    ]
    rows = [row for row in report.rows if len(row) > 5]
    assert len(rows) == 1 + len(EYES)
    links = {a["href"] for a in report.all("a") if a["href"].startswith("patients/")}
    assert len(links) == 3
    for link in links:
        assert (out / link).resolve().parent == out / "patients"
        assert (out / link).is_file()
    thumbnails = report.all("img")
    assert len(thumbnails) == len(EYES)
    for one in thumbnails:
        assert one["loading"] == "lazy"
        assert Image.open(out / one["src"]).size[0] == 128


def test_names_are_text(report: Page) -> None:
    assert len(report.all("script")) == 1
    assert "<script>alert(1)</script>" in report.text
    assert "../../etc/passwd" in report.text


def test_a_rejected_photograph_has_blanks_and_never_zeros(report: Page) -> None:
    row = next(row for row in report.rows if len(row) > 5 and "passwd" in row[1])
    assert row[5].startswith("rejected")
    assert set(row[6:]) == {"–"}


def test_the_tables_have_the_same_values(report: Page) -> None:
    with (report.path.parent / "cohort.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(EYES)
    everything = json.loads((report.path.parent / "cohort.json").read_text(encoding="utf-8"))
    for line, entry in zip(lines, everything["photographs"], strict=True):
        assert line["photograph"] == entry["photograph"]
        value = entry["measurements"].get("calibre_mean", {}).get("value")
        assert line["calibre_mean"] == ("" if value is None else str(value))
        assert line["crae"] == ""
    measured = next(line for line in lines if line["photograph"] == "p3")
    assert "crae: needs an artery/vein map" in measured["blank_because"]


def test_no_cell_is_a_formula(report: Page) -> None:
    with (report.path.parent / "cohort.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert "'=cmd|'/C calc'!A0" in cells
    assert not any(cell[:1] in "=+@\t" for cell in cells if cell)


def test_distributions_have_bars_ranges_and_words(report: Page) -> None:
    charts = [a for a in report.all("figure") if a.get("class") == "distribution"]
    assert len(charts) == 22
    rows = [a for a in report.all("tr") if "data-values" in a]
    assert all(len(row["data-values"].split(",")) == len(charts) for row in rows)
    assert any(
        a.get("aria-label", "").startswith("Vessel area density of 3 photographs: median") for a in report.all("svg")
    )


def test_the_policy_lets_in_thumbnails_and_nothing_else(report: Page) -> None:
    policy = report.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    assert "default-src 'none'" in policy
    assert "img-src data: 'self' file:;" in policy
    for _, attributes in report.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert not re.match(r"(https?:)?//", attributes.get("src", attributes.get("href", "")))


def test_under_codes_nobody_is_named_anywhere(folder: Path, tmp_path: Path) -> None:
    table = PatientTable.of(
        [
            PatientFacts("p1_right", "MRN-445566", "Anna Muster", "right", None, "female", 97),
            PatientFacts("p1_left", "MRN-445566", "Anna Muster", "left"),
        ]
    )
    page = write_cohort(folder, tmp_path / "one", table, anonymise=True)
    again = write_cohort(folder, tmp_path / "two", table, anonymise=True)
    assert page.read_bytes() == again.read_bytes()
    files = [path for path in page.parent.rglob("*") if path.is_file()]
    assert not any(path.name == KEY_FILE for path in files)
    assert (folder / KEY_FILE).is_file()
    for path in files:
        assert "p1" not in path.name
        for secret in (b"Anna", b"Muster", b"445566", b"p1_right", b"p1_left", b"photographs/"):
            assert secret not in path.read_bytes(), (path.name, secret)
    assert {entry["age"] for entry in json.loads((page.parent / "cohort.json").read_text())["photographs"]} == {
        None,
        90,
    }
    assert "90" in Page(page).text


def test_progress_and_workers(folder: Path, tmp_path: Path, report: Page) -> None:
    done: list[str] = []
    page = write_cohort(folder, tmp_path / "out", TABLE, report_progress=lambda n, who: done.append(who), workers=2)
    assert len(done) == 3
    assert page.read_bytes() == report.path.read_bytes()


@pytest.mark.parametrize(("code", "words"), [("es", "Todos los pacientes"), ("de", "Alle Patienten")])
def test_other_languages(folder: Path, tmp_path: Path, code: str, words: str) -> None:
    page = Page(write_cohort(folder, tmp_path / "out", TABLE, code))
    assert words in page.text
    assert "Distributions" not in page.text


def test_one_photograph_is_a_cohort_without_distributions(tmp_path: Path) -> None:
    page = Page(write_cohort(make_measured(tmp_path / "predict", (Drawn("one", 1),)), tmp_path / "out"))
    assert "Distributions" not in page.text
