"""Every English pattern that the pages for clinicians say, found in templates and sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import retseg
from retseg.reporting import catalogue, eye_view, measurement_words, patient_page

PACKAGE = Path(retseg.__file__).parent
_SAID = re.compile(r"""\bsay\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")


def patterns_of_templates() -> set[str]:
    found = set()
    for path in (PACKAGE / "reporting" / "templates").rglob("*.html"):
        found |= {double or single for double, single in _SAID.findall(path.read_text(encoding="utf-8"))}
    return found


def patterns_of_sources() -> set[str]:
    """What sources say or keep as messages, and the tables of words that they choose from."""
    tables = (
        catalogue.MONTHS,
        eye_view.EYES.values(),
        eye_view.GRADES.values(),
        [eye_view.UNKNOWN_EYE],
        patient_page.SEXES.values(),
        patient_page.MODEL_FACTS.values(),
        filter(None, measurement_words.PLACES.values()),
    )
    found = {text for table in tables for text in table}
    for path in PACKAGE.rglob("*.py"):
        found |= set(_said_in(ast.parse(path.read_text(encoding="utf-8"))))
    return found


def _said_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if (
            name in ("say", "Message", "NotMeasured")
            and isinstance(first, ast.Constant)
            and isinstance(first.value, str)
        ):
            yield first.value
