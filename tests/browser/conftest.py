"""A real browser, a report to open in it, and an ear for whatever a page asks of the network or complains about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from retseg.reporting.cohort_page import write_cohort
from retseg.reporting.patients import PatientFacts, PatientTable
from tests.reporting.measured_folder import Drawn, make_measured

HOW = "Get it with: pip install 'retseg[browser]', and on Debian: apt-get install chromium"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

EYES = (
    Drawn("p1_right", 1, "right", camera="small"),
    Drawn("p1_left", 1, "left", "usable", camera="small"),
    Drawn("p2", 2, "left", "reject"),
    Drawn("p3", 3, "right"),
    Drawn("p4", 4, "right"),
)
TABLE = PatientTable.of(
    [
        PatientFacts("p1_right", "1001", "Anna Muster", "right", None, "female", 63),
        PatientFacts("p1_left", "1001", "Anna Muster", "left", None, "female", 63),
        PatientFacts("p2", "../../etc/passwd", "<script>document.title = 'taken'</script>", "left", None, None, 40),
        PatientFacts("p3", "1003", "García, María", "right", None, "female", 8),
    ]
)


@dataclass
class Heard:
    """What a page asked for beyond the files of the report, and what it complained about."""

    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason=f"Playwright is not installed. {HOW}")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"No Chromium on this machine. {HOW}")
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished report about five photographs of four patients."""
    folder = make_measured(tmp_path_factory.mktemp("browser") / "predict", EYES)
    write_cohort(folder, folder.parent / "report", TABLE)
    return folder.parent / "report"


Opened = Callable[..., Any]


@pytest.fixture
def opened(browser: Any) -> Iterator[Opened]:
    """Opens a file in a window of its own; afterwards nothing may have left the page, nor any error be told."""
    heard, contexts = Heard(), []

    def open_file(path: Path, width: int = 1440, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: _note(heard, request.url))
        page.on("console", lambda message: heard.complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: heard.complaints.append(str(error)))
        page.goto(path.resolve().as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert heard.foreign == []
    assert heard.complaints == []


def _note(heard: Heard, url: str) -> None:
    if not url.startswith(("file://", "data:", "blob:")):
        heard.foreign.append(url)
