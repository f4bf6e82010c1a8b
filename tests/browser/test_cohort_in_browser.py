from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def page(opened: Any, report: Path) -> Any:
    return opened(report / "index.html")


def column(page: Any, number: int) -> list[str]:
    cells = page.locator(f".everybody tbody tr:not([hidden]) > :nth-child({number})")
    return [text.strip().split("\n")[0] for text in cells.all_inner_texts()]


def test_thumbnails_are_shown(page: Any) -> None:
    widths = page.locator(".thumb img").evaluate_all("all => all.map(image => image.naturalWidth)")
    assert widths == [128] * 5


def test_headings_sort_up_and_down_and_blanks_stay_last(page: Any) -> None:
    heading = page.locator("thead th").nth(3)
    assert heading.inner_text().startswith("Age")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert column(page, 5) == ["8", "40", "63", "63", "–"]
    heading.locator("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    assert column(page, 5) == ["63", "63", "40", "8", "–"]
    page.locator("thead th", has_text="Mean calibre").locator("button").click()
    assert heading.get_attribute("aria-sort") is None
    number = 1 + page.locator("thead tr > *").all_inner_texts().index(
        next(text for text in page.locator("thead tr > *").all_inner_texts() if text.startswith("Mean calibre"))
    )
    values = column(page, number)
    assert values[-1] == "–"
    numbers = [float(value.split()[0]) for value in values[:-1]]
    assert numbers == sorted(numbers)


def test_fields_filter(page: Any) -> None:
    page.locator("#words").fill("garcia")
    assert page.locator("#shown").inner_text() == "1 of 5 photographs"
    page.locator("#words").fill("1001 left")
    assert page.locator("#shown").inner_text() == "1 of 5 photographs"
    page.locator("#words").fill("")
    page.locator("#grade").select_option("reject")
    assert column(page, 3) == ["Left eye (OS)"]
    page.locator("#grade").select_option("")
    page.locator("#eye").select_option("right")
    assert page.locator("#shown").inner_text() == "2 of 5 photographs"
    page.locator("#eye").select_option("")
    page.locator("#outside").check()
    assert "0" not in column(page, 7)


def test_a_row_has_its_place_in_the_distributions(page: Any) -> None:
    row = page.locator(".everybody tbody tr", has_text="García")
    row.locator("td").nth(4).click()
    assert page.locator("#placed").inner_text().startswith("▼ García, María, Right eye (OD)")
    here = page.locator(".distribution .here").first
    assert here.get_attribute("visibility") == "visible"
    assert "higher than" in page.locator(".rank-words").first.inner_text()
    assert row.evaluate("row => row.getBoundingClientRect().bottom") <= page.locator(".docked").evaluate(
        "dock => dock.getBoundingClientRect().top"
    )
    page.locator("#clear").click()
    assert here.get_attribute("visibility") == "hidden"
    assert not page.locator("#placed").is_visible()


def test_the_keyboard_places_a_row_too(page: Any) -> None:
    page.locator(".everybody tbody tr", has_text="García").locator("th a").focus()
    assert page.locator("#placed strong").inner_text() == "García, María, Right eye (OD)"


def test_links_lead_to_the_patient_and_back(page: Any) -> None:
    page.locator("th a", has_text="Anna Muster").first.click()
    assert page.locator("h1").inner_text() == "Anna Muster"
    page.locator(".to-all a").click()
    assert page.locator("h1").inner_text() == "All patients"
    assert page.locator("#placed strong").inner_text() == "Anna Muster, Right eye (OD)"


@pytest.mark.parametrize("width", [1440, 820, 390])
def test_nothing_sticks_out_sideways(opened: Any, report: Path, width: int) -> None:
    page = opened(report / "index.html", width, 900)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_script_everything_can_be_read(opened: Any, report: Path) -> None:
    page = opened(report / "index.html", java_script_enabled=False)
    assert page.locator(".everybody tbody tr").count() == 5
    patient = opened(report / "patients" / "1001.html", java_script_enabled=False)
    assert patient.locator(".photo").first.is_visible()
    assert patient.locator(".layer.mask").first.is_visible()
