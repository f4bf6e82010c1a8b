"""Whom or what photographs have in common, in words: patients, scenes, or nothing beyond the photograph itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retseg.reporting.run_files import RunRecord
from retseg.reporting.wording import counted

PATIENT = "patient"
_THEMSELVES = ("photograph", "image")


def subject_of(records: Sequence[RunRecord]) -> str:
    """What the photographs of these runs have in common, in the singular."""
    return next((record.subject for record in records), PATIENT)


def themselves(subject: str) -> bool:
    """Whether each photograph is a subject of its own, so that the two need not be counted apart."""
    return subject in _THEMSELVES


def images_of(images: int, subjects: int, subject: str) -> str:
    """`8 images of 4 patients`; `8 photographs` where each is its own subject."""
    if themselves(subject):
        return counted(images, subject)
    return f"{counted(images, 'image')} of {counted(subjects, subject)}"


def size_of_sample(subjects: int, images: int, subject: str) -> str:
    """`4 patients, 8 images`; `8 photographs` where each is its own subject."""
    if themselves(subject):
        return counted(images, subject)
    return f"{counted(subjects, subject)}, {counted(images, 'image')}"


def plural(subject: str) -> str:
    """`patients`."""
    return f"{subject}s"


def who(subject: str) -> str:
    """`who` for people, `that` for everything else."""
    return "who" if subject == PATIENT else "that"


def in_words_of(text: str, subject: str) -> str:
    """A sentence of an older evaluation, which speaks of patients whatever the photographs show."""
    if subject == PATIENT:
        return text
    reworded = text.replace(plural(PATIENT), plural(subject)).replace(PATIENT, subject)
    return re.sub(rf"(\d+ {subject}s?) of \1", r"\1", reworded)
