from __future__ import annotations

import base64
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from retseg.core.messages import Message
from retseg.reporting.catalogue import language
from retseg.reporting.measured_files import MeasuredFolder, read_measured
from retseg.reporting.patient_groups import group_patients
from retseg.reporting.patient_page import write_patient_page
from retseg.reporting.patients import PatientFacts, PatientTable
from tests.reporting.conftest import Page
from tests.reporting.measured_folder import Drawn, make_measured

ANNA = PatientTable.of(
    [
        PatientFacts("p1_right", "1001", "Anna Muster", "right", None, "female", 63),
        PatientFacts("p1_left", "1001", "Anna Muster", "left", None, "female", 63),
    ]
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> MeasuredFolder:
    eyes = (Drawn("p1_right", 1, "right"), Drawn("p1_left", 1, "left", "usable"), Drawn("p2", 2, "left", "reject"))
    return read_measured(make_measured(tmp_path_factory.mktemp("patient") / "predict", eyes))


@pytest.fixture
def pages(data: MeasuredFolder, tmp_path: Path):
    def write(table: PatientTable = ANNA, code: str = "en", folder: MeasuredFolder = data) -> list[Page]:
        patients = group_patients(folder.photographs, table)
        return [Page(write_patient_page(one, folder, tmp_path, language(code))[0]) for one in patients]

    return write


def flat(text: str) -> str:
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def test_the_page_says_who_what_and_how(pages) -> None:
    anna, _ = pages()
    text = flat(anna.text)
    for words in (
        "Anna Muster",
        "1001",
        "female",
        "63",
        "Right eye (OD)",
        "Image quality: usable",
        "Threshold",
        "0.4375",
    ):
        assert words in text, words
    assert "3f" * 32 in text
    assert text.count("not a medical device") == 1
    assert anna.path.parent.name == "patients"
    assert anna.path.name == "1001.html"


def test_every_measurement_has_its_row_with_unit_interval_and_range(pages) -> None:
    row = next(row for row in pages()[0].rows if row and row[0].startswith("Vessel area density What it tells"))
    assert len(row) == 5
    assert re.fullmatch(r"\d+\.\d\s% \d+\.\d to \d+\.\d (. )?(within|above|below) range.*", row[1])
    assert re.fullmatch(r"\d+\.\d to \d+\.\d\s%", row[3])


def test_a_value_that_is_not_trusted_is_its_reason_and_never_zero(pages) -> None:
    row = next(row for row in pages()[0].rows if row and row[0].startswith("CRAE"))
    assert row[1] == "not measured: needs an artery/vein map"
    assert not any(re.fullmatch(r"0(\.0*)?( µm)?", cell) for cell in row)


def test_a_rejected_photograph_is_shown_with_its_reasons_and_not_measured(pages) -> None:
    rejected = pages()[1]
    text = flat(rejected.text)
    assert "Image quality: rejected. Nothing was measured." in text
    assert "The photograph is out of focus (0.21)." in text
    assert not rejected.all("table")
    assert len([a for a in rejected.all("img") if a["class"] == "photo"]) == 1


def test_nothing_comes_from_outside_and_the_policy_is_exact(pages) -> None:
    page = pages()[0]
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name, "")
            assert value in ("", "../index.html#row-1001-1") or value.startswith(("#", "data:")), (tag, value)
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
        assert not re.search(r"https?:|@import|fetch|XMLHttp|import\(|eval|url\((?!#)", content)


def test_the_page_is_structured(pages) -> None:
    page = pages()[0]
    tags = [tag for tag, _ in page.elements]
    assert tags.count("h1") == tags.count("main") == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(below - above <= 1 for above, below in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = {name for _, a in page.elements for name in a.get("aria-labelledby", "").split()}
    assert named <= set(ids)
    assert all(a["alt"] for a in page.all("img") if a["class"] == "photo")


@pytest.mark.parametrize(("code", "words"), [("es", "Calidad de imagen: buena"), ("de", "Bildqualität: gut")])
def test_other_languages(pages, code: str, words: str) -> None:
    page = pages(code=code)[0]
    assert page.all("html")[0]["lang"] == code
    assert words in flat(page.text)
    row = next(row for row in page.rows if row and re.match("La[ck]unari", row[0]))
    assert re.match(r"0,\d{3} ", row[1])
    for english in ("Reference range", "Research use", "within range", "Photograph "):
        assert english not in page.text


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "x" * 300,
        "مريض رقم واحد",
        "王小明",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}{name}",
    ],
)
def test_a_name_is_text_and_never_a_path_or_markup(pages, tmp_path: Path, name: str) -> None:
    for table in (
        PatientTable.of([PatientFacts("p1_left", name, name)]),
        PatientTable.of([PatientFacts("p1_left", None, name)]),
    ):
        page = next(page for page in pages(table) if name in page.text)
        assert page.path.parent == tmp_path / "patients"
        assert re.fullmatch(r"p-[0-9a-f]{16}\.html", page.path.name)
        assert len(page.all("script")) == 1
        assert not any(a.get("src") == "x" for a in page.all("img"))
    assert {path.name for path in tmp_path.iterdir()} == {"patients"}


def test_hostile_text_in_the_files_is_text_too(tmp_path: Path) -> None:
    folder = make_measured(tmp_path / "predict", (Drawn("one", 1),))
    hostile = "<img src=x onerror=alert(1)> {x.__class__}"
    path = folder / "measure" / "photographs" / "one.json"
    entry = json.loads(path.read_text())
    entry["quality"]["reasons"] = [{"pattern": hostile, "values": {}}, hostile]
    entry["quality"]["measures"] = {hostile: 1.0}
    entry["measurements"]["crae"]["reason"] = Message("{why}", {"why": hostile}).to_json()
    path.write_text(json.dumps(entry))
    (folder / "measure" / "model.json").write_text(json.dumps({"model": hostile, hostile: hostile}))
    definitions = json.loads((folder / "measure" / "definitions.json").read_text())
    definitions[0] |= {"title": hostile, "explanation": hostile, "group": hostile, "unit": hostile}
    (folder / "measure" / "definitions.json").write_text(json.dumps(definitions))
    data = read_measured(folder)
    (patient,) = group_patients(data.photographs, PatientTable())
    page = Page(write_patient_page(patient, data, tmp_path / "out", language("en"))[0])
    assert not any(a.get("src") == "x" for a in page.all("img"))
    assert hostile in page.text
    assert not any("onerror" in a for _, a in page.elements)


def test_several_visits_and_photographs_of_one_eye(data: MeasuredFolder, pages) -> None:
    import datetime

    days = [datetime.date(2026, 5, 12), datetime.date(2026, 5, 12), datetime.date(2025, 1, 3)]
    table = PatientTable.of(
        PatientFacts(one.id, "1001", "Anna", "left", day) for one, day in zip(data.photographs, days, strict=True)
    )
    (page,) = pages(table)
    text = flat(page.text)
    assert text.index("Visit of 12 May 2026") < text.index("Visit of 3 January 2025")
    assert "Left eye (OS), photograph 2" in text


def test_the_same_files_give_the_same_page(pages) -> None:
    assert pages()[0].source == pages()[0].source
