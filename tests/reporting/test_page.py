from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from retseg.core.errors import OutputError
from retseg.reporting.page import environment, write_page

STYLE = files("retseg.reporting").joinpath("templates/style.css").read_text(encoding="utf-8")


def variables(block: str) -> dict[str, tuple[int, int, int]]:
    return {
        name: (int(value[0:2], 16), int(value[2:4], 16), int(value[4:6], 16))
        for name, value in re.findall(r"--([\w-]+): #([0-9a-f]{6})", block)
    }


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """WCAG 2 contrast ratio."""

    def luminance(colour: tuple[int, int, int]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_and_curves_have_enough_contrast(scheme: int) -> None:
    colours = variables(re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[scheme])
    for name in ("ink", "quiet", "link"):
        for ground in ("paper", "tint"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for hue in range(6):
        assert contrast(colours[f"hue-{hue}"], colours["paper"]) >= 3, hue


def test_every_colour_of_light_has_its_dark_one() -> None:
    light, dark, _ = (set(variables(block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL))
    assert light == dark


@pytest.mark.parametrize("name", ["page.js", "viewer.js", "cohort.js"])
def test_scripts_run_in_browsers_of_2016(name: str) -> None:
    script = files("retseg.reporting").joinpath("templates", name).read_text(encoding="utf-8")
    assert not re.search(r"=>|\b(let|const|class|async|await)\s|`|\?\.|\?\?|\.\.\.", script)


@pytest.mark.parametrize("name", ["clinic.css", "patient.css", "cohort.css", "viewer.js", "cohort.js"])
def test_what_clinicians_pages_add_calls_nothing_from_outside(name: str) -> None:
    text = files("retseg.reporting").joinpath("templates", name).read_text(encoding="utf-8")
    assert not re.search(
        r"https?:|url\((?!#)|@import|fetch|XMLHttp|import\(|eval|innerHTML|outerHTML|document\.write", text
    )


def test_style_and_script_call_nothing_from_outside() -> None:
    script = files("retseg.reporting").joinpath("templates/page.js").read_text(encoding="utf-8")
    for text in (STYLE, script):
        assert not re.search(r"https?:|url\(|@import|fetch|XMLHttp|import\(|eval", text)


def test_templates_escape_and_refuse_unknown_names() -> None:
    assert environment().from_string("{{ name }}").render(name="<b>&\"'") == "&lt;b&gt;&amp;&#34;&#39;"
    with pytest.raises(UndefinedError):
        environment().from_string("{{ missing }}").render()


def test_the_policy_allows_exactly_our_own_style_and_script(page) -> None:
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"


def test_a_page_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        write_page("run.html", tmp_path / "file" / "run.html")
