from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from retseg.core.errors import InputError, OutputError
from retseg.reporting import print_pdf
from tests.browser.conftest import BROWSERS, HOW


@pytest.fixture
def program() -> Path:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"No Chromium on this machine. {HOW}")
    return Path(found)


def test_pages_are_printed_beside_themselves(report: Path, program: Path) -> None:
    done: list[str] = []
    page = report / "patients" / "1001.html"
    (pdf,) = print_pdf.print_pages([page], program, lambda n, name: done.append(name))
    assert pdf == page.with_suffix(".pdf")
    assert len(re.findall(rb"/Type\s*/Page[^s]", pdf.read_bytes())) == 2
    assert done == ["1001"]


def test_no_browser_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(print_pdf.shutil, "which", lambda name: None)
    monkeypatch.setattr(print_pdf, "_PLACES", ())
    with pytest.raises(InputError, match="no browser that can print.*apt-get install chromium"):
        print_pdf.find_browser()


def test_a_browser_that_fails_is_explained(report: Path, tmp_path: Path) -> None:
    page: Any = shutil.copy(report / "patients" / "1003.html", tmp_path)
    with pytest.raises(OutputError, match=r"did not print.*1003\.html"):
        print_pdf.print_page(Path(page), Path("/bin/false"))
    with pytest.raises(OutputError, match="did not print"):
        print_pdf.print_page(Path(page), tmp_path / "nobody")
