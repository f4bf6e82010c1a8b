from __future__ import annotations

import pytest

from retseg.core import progress as module
from retseg.core.progress import duration, progress


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_durations_read_like_speech(seconds, text):
    assert duration(seconds) == text


def test_lines_carry_share_time_left_and_note(capsys, monkeypatch):
    clock = iter([0.0, 10.0, 20.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with progress("Preparing", 4) as bar:
        bar.advance(1, "a")
        bar.advance(1, "b")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["Preparing: 1/4 (25%) images, 30 s left, a", "Preparing: 2/4 (50%) images, 20 s left, b"]


def test_units_done_earlier_do_not_flatter_the_estimate(capsys, monkeypatch):
    clock = iter([0.0, 0.0, 10.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with progress("Predicting", 10) as bar:
        bar.skip(5)
        bar.advance(1)
    assert "6/10 (60%) images, 40 s left" in capsys.readouterr().err


def test_lines_are_few(capsys):
    with progress("Preparing", 1000) as bar:
        for _ in range(1000):
            bar.advance()
    assert capsys.readouterr().err == ""


def test_a_total_that_becomes_known_later_reaches_the_live_bar(monkeypatch):
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True)
    with progress("Training", None, unit="step") as bar:
        bar.total = 500
        bar.advance(5)
        (task,) = bar._live.tasks
        assert (task.completed, task.total) == (5, 500)
