"""The `report` section of the configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from retseg.core.config import Section


class ReportConfig(Section):
    """What a run's report shows and how large its panels are.

    Attributes:
        title: Heading of the page; None names the systems and the dataset.
        max_images: Test images shown at most, the best and the worst first. Scores cover all of them regardless.
        image_width: Width of a class's map in pixels; smaller images are never enlarged.
        detail_width: Width of the photograph and of the error maps, which readers enlarge, in pixels.
        jpeg_quality: Quality of photographs and error maps, 1 to 95.
        patients: Also make the clinician's pages of a run whose task is vessels: one a patient, and the cohort's.
        language: Language of the clinician's pages: "en", "es" or "de".
        anonymise: Call patients by codes, and show nothing by which they could be recognised.
        pdf: Also print each patient's page to PDF, with a browser of this machine.
    """

    title: str | None = None
    max_images: int = Field(24, ge=1)
    image_width: int = Field(360, ge=32, le=4096)
    detail_width: int = Field(720, ge=32, le=4096)
    jpeg_quality: int = Field(82, ge=1, le=95)
    patients: bool = True
    language: Literal["en", "es", "de"] = "en"
    anonymise: bool = False
    pdf: bool = False
