"""What a patient and an eye are like: pigment, blood, calibres, disease; and where disc and fovea lie.

Distances are micrometres of retina. The origin is the centre of the optic disc, x points to the temple and y down, so
that a left and a right eye have the same anatomy; the view mirrors right eyes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.random import Generator

from retseg.core.types import Float32Array

Eye = Literal["left", "right"]
Condition = Literal["healthy", "diabetic", "glaucoma"]


@dataclass(frozen=True, slots=True)
class Traits:
    """What both eyes of a patient share. Colours are shares of full scale, absorbances are per micrometre of blood.

    Beyond `saturation` micrometres more blood hardly darkens, because light reaches a vessel's surface from the sides.
    """

    magnification: float
    colour: tuple[float, float, float]
    mottling: float
    tessellation: float
    granularity: float
    macular_pigment: float
    nerve_fibres: float
    sheen: float
    absorbance: float
    saturation: float
    artery_absorbance: float
    red_absorbance: tuple[float, float]
    blue_absorbance: float
    reflex: tuple[float, float]
    reflex_width: float
    calibre: tuple[float, float]
    tortuosity: float
    spacing: float
    retinopathy: float
    drusen: float


@dataclass(frozen=True, slots=True)
class Anatomy:
    """One eye: the disc's radii and cup, and the fovea's place in micrometres from the disc's centre."""

    eye: Eye
    disc_radius: tuple[float, float]
    disc_tilt: float
    cup_ratio: float
    cup_offset: tuple[float, float]
    entry: tuple[float, float]
    fovea: tuple[float, float]
    avascular_radius: float

    @property
    def mean_disc_radius(self) -> float:
        """Radius of the circle that is as large as the disc, in micrometres."""
        return float(np.sqrt(self.disc_radius[0] * self.disc_radius[1]))

    def disc_distance(self, x: Float32Array, y: Float32Array) -> Float32Array:
        """How far points lie from the disc's centre, in disc radii (1 on its margin)."""
        return _elliptic(x, y, self.disc_radius, self.disc_tilt)

    def cup_distance(self, x: Float32Array, y: Float32Array) -> Float32Array:
        """How far points lie from the cup's centre, in cup radii (1 on its margin)."""
        radii = (self.disc_radius[0] * self.cup_ratio, self.disc_radius[1] * self.cup_ratio * 1.05)
        return _elliptic(x - self.cup_offset[0], y - self.cup_offset[1], radii, self.disc_tilt)

    def fovea_distance(self, x: Float32Array, y: Float32Array) -> Float32Array:
        """How far points lie from the fovea, in micrometres."""
        distance: Float32Array = np.hypot(x - np.float32(self.fovea[0]), y - np.float32(self.fovea[1]))
        return distance


def _elliptic(x: Float32Array, y: Float32Array, radii: tuple[float, float], tilt: float) -> Float32Array:
    cosine, sine = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    along = (x * cosine + y * sine) / np.float32(radii[0])
    across = (y * cosine - x * sine) / np.float32(radii[1])
    distance: Float32Array = np.hypot(along, across)
    return distance


def draw_traits(rng: Generator) -> Traits:
    """A patient. The ranges are wide on purpose: a net must not come to rely on one pigmentation or one camera."""
    young = rng.random() < 0.4
    red = rng.uniform(0.45, 0.93)
    green = red * rng.uniform(0.26, 0.52)
    blue = green * rng.uniform(0.1, 0.75)
    ill = rng.random()
    artery = rng.uniform(43, 58)
    return Traits(
        magnification=float(rng.normal(1.0, 0.04)),
        colour=(red, green, blue),
        mottling=rng.uniform(0.02, 0.09),
        tessellation=float(rng.choice([0.0, 0.05, 0.12, 0.22], p=[0.3, 0.3, 0.25, 0.15])) * rng.uniform(0.6, 1.3),
        granularity=rng.uniform(0.004, 0.02),
        macular_pigment=rng.uniform(0.25, 0.9),
        nerve_fibres=rng.uniform(0.01, 0.055) * (1.6 if young else 0.7),
        sheen=rng.uniform(0.05, 0.4) if young else rng.uniform(0.0, 0.06),
        absorbance=1.0 / rng.uniform(95, 180),
        saturation=rng.uniform(80, 150),
        artery_absorbance=rng.uniform(0.68, 0.98),
        red_absorbance=(rng.uniform(0.05, 0.13), rng.uniform(0.09, 0.22)),
        blue_absorbance=rng.uniform(0.45, 0.95),
        reflex=(rng.uniform(0.2, 1.0), rng.uniform(0.0, 0.65)),
        reflex_width=rng.uniform(0.18, 0.4),
        calibre=(artery, artery * rng.uniform(1.15, 1.45)),
        tortuosity=float(rng.gamma(2.0, 0.35)),
        spacing=rng.uniform(720, 1020),
        retinopathy=0.0 if ill < 0.68 else rng.uniform(0.1, 1.0),
        drusen=rng.uniform(0.1, 1.0) if rng.random() < 0.15 else 0.0,
    )


def with_condition(traits: Traits, condition: Condition | None) -> Traits:
    """The same patient with or without diabetic retinopathy; None leaves it to chance."""
    if condition is None:
        return traits
    return replace(traits, drusen=0.0, retinopathy=max(traits.retinopathy, 0.5) if condition == "diabetic" else 0.0)


def draw_anatomy(rng: Generator, eye: Eye, condition: Condition | None = None) -> Anatomy:
    """One eye of a patient; glaucoma widens the cup, and None leaves its size to chance."""
    width = rng.normal(840, 70)
    radii = (width, width * rng.uniform(1.0, 1.16))
    cup = rng.uniform(0.68, 0.84) if condition == "glaucoma" else rng.uniform(0.25, 0.62)
    offset = (rng.uniform(0.0, 0.3) * (1 - cup) * width, rng.normal(0, 0.06) * width)
    return Anatomy(
        eye=eye,
        disc_radius=radii,
        disc_tilt=rng.normal(0, 0.2),
        cup_ratio=cup,
        cup_offset=offset,
        entry=(offset[0] - rng.uniform(0.2, 0.5) * cup * width - rng.uniform(0, 0.12) * width, rng.normal(0, 70)),
        fovea=(rng.normal(4550, 220), rng.normal(480, 180)),
        avascular_radius=rng.uniform(280, 520),
    )
