from __future__ import annotations

from pathlib import Path

from retseg.datasets.findings import Finding, Survey, listed


def test_a_finding_is_one_line_with_place_and_remedy():
    finding = Finding("error", Path("set/a.png"), "label missing", "Copy it here")
    assert finding.line == "error: label missing: set/a.png. Copy it here."


def test_a_survey_knows_what_stops_it():
    harmless = Finding("error", Path("a"), "photograph missing", "Fetch it")
    fatal = Finding("error", Path("b"), "label missing", "Fetch it", blocks=True)
    assert Survey((), (harmless, fatal)).blocking == [fatal]


def test_long_lists_are_cut_and_counted():
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(n) for n in range(40)]) == "0, 1, 2, 3, 4 and 35 more"
    # "and 1 more" would take as much room as the name itself.
    assert listed(list("abcdef")) == "a, b, c, d, e, f"
