"""Pages as PDF, printed by a browser of this machine without a window."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from retseg.core.errors import InputError, OutputError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
_SECONDS = 120


def find_browser() -> Path:
    """A browser that prints: Chromium, Chrome or Edge; an InputError that says how to get one where there is none."""
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    for place in map(Path, _PLACES):
        if place.is_file():
            return place
    raise InputError(
        "no browser that can print to PDF was found",
        where="--pdf",
        fix="Install Chromium, Chrome or Edge (on Debian: apt-get install chromium), or print the pages by hand",
    )


def print_pages(
    pages: Iterable[Path], browser: Path | None = None, report_progress: Callable[[int, str], None] | None = None
) -> list[Path]:
    """Prints each page into a PDF beside it, and returns the PDFs.

    Args:
        pages: HTML files.
        browser: Chromium, Chrome or Edge; looked for when None.
        report_progress: Called with 1 and the page's name after each page.
    """
    program = browser or find_browser()
    printed = []
    for page in pages:
        printed.append(print_page(page, program))
        if report_progress is not None:
            report_progress(1, page.stem)
    return printed


def print_page(page: Path, browser: Path) -> Path:
    """Prints one page; its own style sheet says the size of the paper."""
    pdf = page.with_suffix(".pdf")
    pdf.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            str(browser),
            "--headless",
            "--disable-gpu",
            "--disable-extensions",
            "--no-first-run",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
            f"--print-to-pdf={pdf.resolve()}",
            page.resolve().as_uri(),
        ]
        if sys.platform.startswith("linux") and os.geteuid() == 0:
            # Chromium refuses to run as root inside its sandbox; the page itself runs nothing but our own script.
            command.insert(1, "--no-sandbox")
        try:
            result = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OutputError(f"the browser did not print ({error})", where=page, fix="Print it by hand") from None
    if not pdf.is_file():
        last = result.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise OutputError(f"the browser did not print ({last[0][:120]})", where=page, fix="Print the page by hand")
    return pdf
