"""What axe finds: contrast, names, roles and structure, to WCAG 2.1 AA."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

_HOLDERS = ("axe_playwright_python", "axe_core_python")


@pytest.fixture(scope="module")
def axe() -> str:
    for name in _HOLDERS:
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            script = Path(found.origin).parent / "axe.min.js"
            if script.is_file():
                return script.read_text(encoding="utf-8")
    pytest.skip("axe is not installed. Get it with: pip install 'retseg[browser]'")


RULES = "({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "patients/1001.html"])
def test_axe_finds_nothing(opened: Any, report: Path, axe: str, name: str, scheme: str) -> None:
    page = opened(report / name, color_scheme=scheme)
    if name == "index.html":
        page.locator(".everybody tbody tr td.figure").first.click()
        page.locator("thead button").first.click()
    for part in page.locator("details").all():
        part.evaluate("part => { part.open = true; }")
    page.evaluate(axe)
    result = page.evaluate(f"axe.run(document, {RULES})")
    told = [
        (one["id"], one["help"], [node["html"][:160] + " " + node["failureSummary"] for node in one["nodes"][:3]])
        for one in result["violations"]
    ]
    assert told == []
    assert len(result["passes"]) > 20
