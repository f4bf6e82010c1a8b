from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from retseg.core.errors import InputError
from retseg.reporting.patients import PatientTable, read_patients


@pytest.fixture
def table(tmp_path: Path):
    def read(text: str, encoding: str = "utf-8") -> PatientTable:
        path = tmp_path / "patients.csv"
        path.write_bytes(text.encode(encoding))
        return read_patients(path)

    return read


def test_every_column_is_read(table) -> None:
    found = table(
        "image,patient,name,eye,date,sex,age,um_per_pixel\na.png,17,Anna Muster,OD,2026-05-12,F,63,7.2\n"
    ).find("a")
    assert found is not None
    assert (found.patient, found.name, found.eye, found.sex, found.age) == ("17", "Anna Muster", "right", "female", 63)
    assert found.date == datetime.date(2026, 5, 12)
    assert found.um_per_pixel == 7.2


def test_every_column_but_the_image_may_be_missing_or_empty(table) -> None:
    facts = table("image,age,eye\na.png,,\nb.png,NA,?\n").find("b")
    assert facts is not None
    assert (facts.patient, facts.name, facts.eye, facts.date, facts.sex, facts.age) == (None,) * 6


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_what_spreadsheets_write_is_read(table, encoding: str) -> None:
    facts = table("Image;Name;um per pixel;Date\r\nä.jpg;Müller;7,2;12.05.2026\r\n", encoding).find("ä")
    assert facts is not None
    assert (facts.name, facts.um_per_pixel, facts.date) == ("Müller", 7.2, datetime.date(2026, 5, 12))


def test_tabs_and_foreign_columns_are_fine(table) -> None:
    facts = table("image\tdiagnosis\tname\na\tnone\tAnna\n").find("a")
    assert facts is not None
    assert facts.name == "Anna"


def test_photographs_are_found_by_path_name_or_id(table) -> None:
    found = table("image,patient\nright/1.jpg,1\nleft\\1.jpg,2\nother.final.png,3\n")
    assert found.find("right/1").patient == "1"
    assert found.find("left/1").patient == "2"
    assert found.find("x", "/data/photos/other.final.png").patient == "3"
    assert found.find("other.final").patient == "3"
    # The same name in two folders tells nobody apart.
    assert found.find("1") is None
    assert found.find("nobody", "/somewhere/else.png") is None


def test_names_are_taken_as_they_are(table) -> None:
    hostile = "<script>alert(1)</script>"
    assert table(f'image,name\na,"{hostile}"\n').find("a").name == hostile
    assert len(table(f"image,name\na,{'x' * 300}\n").find("a").name) == 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table of patients is empty"),
        ("name,eye\nAnna,left\n", "no column 'image'"),
        ("image,patiant\na,1\n", r"unknown column 'patiant'.*Did you mean patient"),
        ("image,eye,eye\na,left,left\n", "the column eye is there twice"),
        ("image,name\n,Anna\n", "names no image.*line 2"),
        ("image\na\na\n", "lines 2 and 3 are about the same image"),
        ("image,eye\na,middle\n", "'middle' is no eye.*line 2.*right or left"),
        ("image,sex\na,7\n", "'7' is no sex"),
        ("image,age\na,old\n", "'old' is no age"),
        ("image,age\na,nan1\n", "'nan1' is no age"),
        ("image,age\na,-3\n", "'-3' is no age"),
        ("image,um_per_pixel\na,0\n", "'0' is no um_per_pixel"),
        ("image,date\na,31/31/2026\n", "'31/31/2026' is no date.*2024-05-31"),
    ],
)
def test_mistakes_are_named_in_one_line(table, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        table(text)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_patients(tmp_path / "nobody.csv")
