from __future__ import annotations

import os

from retseg.datasets.synthetic.crew import each


def place(task):
    return task, os.getpid()


def test_little_work_stays_in_this_process_and_in_order():
    results = list(each(place, [3, 1, 2], pixels=100))
    assert results == [(task, os.getpid()) for task in (3, 1, 2)]


def test_much_work_is_shared_out(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    results = list(each(place, range(6), pixels=1_000_000))
    assert sorted(task for task, _ in results) == list(range(6))
    assert os.getpid() not in {process for _, process in results}


def test_large_photographs_are_made_one_at_a_time():
    assert {process for _, process in each(place, [1, 2, 3], pixels=50_000_000)} == {os.getpid()}


def test_nothing_to_do_is_nothing_done():
    assert list(each(place, [], pixels=1)) == []
