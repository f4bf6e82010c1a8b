from __future__ import annotations

from retseg.reporting.subjects import images_of, in_words_of, size_of_sample, subject_of, who

NBSP = "\N{NO-BREAK SPACE}"


def test_photographs_of_patients_are_counted_twice_and_others_once() -> None:
    assert images_of(8, 4, "patient") == f"8{NBSP}images of 4{NBSP}patients"
    assert images_of(8, 8, "photograph") == f"8{NBSP}photographs"
    assert images_of(8, 1, "scene") == f"8{NBSP}images of 1{NBSP}scene"
    assert size_of_sample(4, 8, "patient") == f"4{NBSP}patients, 8{NBSP}images"
    assert size_of_sample(8, 8, "photograph") == f"8{NBSP}photographs"


def test_sentences_about_patients_are_reworded_for_other_subjects() -> None:
    line = "12 photographs of 12 patients; bootstrap over n = 12 patients"
    assert in_words_of(line, "patient") == line
    assert in_words_of(line, "photograph") == "12 photographs; bootstrap over n = 12 photographs"
    assert who("patient") == "who"
    assert who("scene") == "that"


def test_without_a_run_there_are_patients() -> None:
    assert subject_of([]) == "patient"
