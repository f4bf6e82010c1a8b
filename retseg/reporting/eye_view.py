"""One photograph for a patient's page: its pictures, landmarks, quality and scale in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from retseg.reporting.catalogue import Language
from retseg.reporting.eye_pictures import EyePictures, eye_pictures
from retseg.reporting.measured_files import Landmark, MeasuredPhotograph, Quality
from retseg.reporting.patient_groups import EyeRecord
from retseg.reporting.patient_views import Circle, EyeView, LandmarkView, QualityView
from retseg.reporting.patients import PatientFacts
from retseg.reporting.range_strip import shape_of

EYES = {"right": "Right eye (OD)", "left": "Left eye (OS)"}
UNKNOWN_EYE = "Eye not stated"
GRADES = {"good": "good", "usable": "usable", "reject": "rejected", "": "not graded"}

_ZONES = (2.0, 3.0, 5.0)
"""Radii in radii of the disc: zone B lies between the first two circles, zone C between the first and the third."""

_BARS_UM = (100.0, 200.0, 500.0, 1000.0, 2000.0)
_BAR_SHARE = 0.22


def eye_heading(facts: PatientFacts, language: Language) -> str:
    """Which eye it is."""
    return language.say(EYES.get(facts.eye or "", UNKNOWN_EYE))


def headings(eyes: Sequence[EyeRecord], language: Language) -> list[str]:
    """A heading for each photograph of a visit; photographs of the same eye are numbered."""
    plain = [eye_heading(eye.facts, language) for eye in eyes]
    counted: dict[str, int] = {}
    told = []
    for heading in plain:
        counted[heading] = counted.get(heading, 0) + 1
        many = plain.count(heading) > 1
        number = str(counted[heading])
        told.append(language.say("{eye}, photograph {number}", eye=heading, number=number) if many else heading)
    return told


def eye_view(
    folder: Path, record: EyeRecord, heading: str, identifier: str, column: int, language: Language, hide_outside: bool
) -> EyeView:
    """Everything that a page shows about one photograph.

    Args:
        folder: What the stages `predict` and `measure` wrote.
        record: The photograph and whose it is.
        heading: Which eye it is, in words.
        identifier: Its id on the page.
        column: Its place among the photographs of the visit.
        language: The reader's language.
        hide_outside: Blacken what lies outside the field of view.
    """
    measured = record.measured
    pictures = eye_pictures(folder, measured, hide_outside)
    size = {"width": str(pictures.width), "height": str(pictures.height)}
    return EyeView(
        id=identifier,
        heading=heading,
        note=record.shown_id,
        shape=shape_of(column),
        pictures=pictures,
        alternative=language.say("Fundus photograph: {eye}, {width} by {height} pixels", eye=heading, **size),
        quality=quality_view(measured.quality, language),
        landmarks=landmark_view(measured, pictures.width, language),
        scale=scale_words(measured, language),
        calibre_key=calibre_key(pictures, measured.um_per_pixel, language),
        calibre_unit="px" if measured.um_per_pixel is None else "µm",
    )


def quality_view(quality: Quality, language: Language) -> QualityView:
    """The grade with its reasons."""
    return QualityView(
        grade=quality.grade or "none",
        words=language.say(GRADES[quality.grade]),
        reasons=tuple(sentence(language.message(reason)) for reason in quality.reasons),
        measures=tuple(
            (language.say(name.replace("_", " ")), language.number(value, 2))
            for name, value in quality.measures.items()
        ),
    )


def sentence(text: str) -> str:
    """A phrase or a sentence as a sentence: with a capital at its beginning and a full stop at its end."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def scale_words(measured: MeasuredPhotograph, language: Language) -> str:
    """How large a pixel is and where that is known from."""
    origin = "" if measured.scale is None else language.message(measured.scale)
    if measured.um_per_pixel is None:
        return origin or language.say("Pixel size not known: lengths are in pixels.")
    size = language.number(measured.um_per_pixel, 2)
    if origin:
        return language.say("{size} µm per pixel ({origin})", size=size, origin=origin.rstrip("."))
    return language.say("{size} µm per pixel", size=size)


def landmark_view(measured: MeasuredPhotograph, width: int, language: Language) -> LandmarkView:
    """Disc, zones, fovea and a scale bar, in pixels of the photograph, which is `width` pixels wide."""
    disc, circles = _circle(measured.disc, 1.0), tuple[Circle, ...]()
    if disc is not None:
        circles = tuple(Circle(disc.x, disc.y, disc.radius * times) for times in _ZONES)
    bar, label = 0.0, ""
    if measured.um_per_pixel:
        fitting = [um for um in _BARS_UM if um / measured.um_per_pixel <= _BAR_SHARE * width]
        if fitting:
            bar = round(fitting[-1] / measured.um_per_pixel, 1)
            label = f"{language.number(fitting[-1] / 1000, 0 if fitting[-1] >= 1000 else 1)} mm"
    fovea = None if measured.fovea is None else (round(measured.fovea.column, 1), round(measured.fovea.row, 1))
    return LandmarkView(disc, circles, fovea, round(width / 60, 1), bar, label)


def calibre_key(pictures: EyePictures, um_per_pixel: float | None, language: Language) -> tuple[str, ...]:
    """Words for each colour of the calibre, thin vessels first."""
    edges = pictures.edges
    if not edges:
        return ()
    digits = 0 if um_per_pixel is not None else 1
    told = [language.number(edge * (um_per_pixel or 1.0), digits) for edge in edges]
    inner = [f"{low}\N{EN DASH}{high}" for low, high in pairwise(told)]
    return (f"< {told[0]}", *inner, f"> {told[-1]}")


def _circle(landmark: Landmark | None, times: float) -> Circle | None:
    if landmark is None or not landmark.radius:
        return None
    return Circle(round(landmark.column, 1), round(landmark.row, 1), round(landmark.radius * times, 1))
