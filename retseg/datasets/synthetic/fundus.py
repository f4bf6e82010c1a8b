"""One photograph of one generated eye: grown from a seed, seen by a camera, with all that is known about it exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.datasets.synthetic import observers, vessels
from retseg.datasets.synthetic.anatomy import (
    Anatomy,
    Condition,
    Eye,
    Traits,
    draw_anatomy,
    draw_traits,
    with_condition,
)
from retseg.datasets.synthetic.background import retina, sheen
from retseg.datasets.synthetic.cameras import Camera
from retseg.datasets.synthetic.disc import add_disc
from retseg.datasets.synthetic.growth import Domain, grow
from retseg.datasets.synthetic.lesions import draw_lesions
from retseg.datasets.synthetic.optics import draw_exposure, lit, recorded
from retseg.datasets.synthetic.strokes import Drawing, Strokes, draw, tree_strokes
from retseg.datasets.synthetic.tree import VesselTree
from retseg.datasets.synthetic.view import View, draw_view

VERSION = 1
"""Raised whenever the same seed would give other pixels, so that old files are not taken for new ones."""


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticEye:
    """A photograph and the truth about it. Arrays are (H, W) on the pixel grid; places are (x, y) in pixels.

    Args:
        image: The photograph, (H, W, 3) uint8 RGB.
        vessel: The reference label: exact vessels, see `observers.MARKED_COVERAGE`.
        second: A second observer's label.
        fov: The exact field of view.
        artery_vein: 0 no vessel, 1 artery, 2 vein, 3 crossing; non-zero exactly where `vessel` is true.
        eye: "left" or "right".
        disc_centre: Centre of the optic disc.
        disc_radius: Mean radius of the optic disc in pixels.
        fovea: Centre of the fovea, which may lie outside the photograph.
        um_per_pixel: Micrometres of retina per pixel.
    """

    image: UInt8Array
    vessel: BoolArray
    second: BoolArray
    fov: BoolArray
    artery_vein: UInt8Array
    eye: Eye
    disc_centre: tuple[float, float]
    disc_radius: float
    fovea: tuple[float, float]
    um_per_pixel: float


def generate(seed: int, camera: Camera, *, eye: Eye | None = None, condition: Condition | None = None) -> SyntheticEye:
    """One eye of the patient that grows from `seed`; the same arguments give the same bytes.

    Both eyes of a patient share pigment, calibres, disease and camera settings; their vessels differ. What `eye`
    and `condition` do not say the seed chooses. Scaling a camera leaves the eye as it is.
    """
    person = default_rng(SeedSequence([VERSION, seed, 0]))
    traits, field = with_condition(draw_traits(person), condition), float(person.uniform(*camera.field))
    exposure = draw_exposure(person, camera.jpeg)
    side: Eye = eye or ("left", "right")[int(person.integers(2))]
    streams = [default_rng(child) for child in SeedSequence([VERSION, seed, 1 + (side == "right")]).spawn(7)]
    shape_of_eye, aim, growing, surface, blood, light, hand = streams

    anatomy = draw_anatomy(shape_of_eye, side, condition)
    view = draw_view(aim, camera, anatomy, field, traits.magnification)
    radius = 0.5 * camera.diameter * view.um_per_pixel
    trees = grow(growing, anatomy, traits, Domain(view.gaze, 1.16 * radius, 1.02 * radius))
    strokes = [tree_strokes(tree, view, vessels.drawn_calibre(blood, tree)) for tree in trees]
    drawings = [draw(part, camera.shape) for part in strokes]

    inside = camera.coverage()
    scene = _scene(surface, blood, view, anatomy, traits, list(zip(trees, drawings, strict=True)))
    image = recorded(light, lit(light, scene, view, exposure), view, exposure, inside)

    fov = inside >= 0.5
    kinds = observers.artery_vein(*(observers.marked(drawing) & fov for drawing in drawings))
    pairs: list[tuple[VesselTree, Strokes]] = list(zip(trees, strokes, strict=True))
    second = observers.second_observer(hand, pairs, view.um_per_pixel, camera.shape) & fov
    disc, fovea = view.to_pixels(np.array([[0.0, 0.0], anatomy.fovea]))
    return SyntheticEye(
        image=image,
        vessel=kinds > 0,
        second=second,
        fov=fov,
        artery_vein=kinds,
        eye=side,
        disc_centre=(float(disc[0]), float(disc[1])),
        disc_radius=anatomy.mean_disc_radius / view.um_per_pixel,
        fovea=(float(fovea[0]), float(fovea[1])),
        um_per_pixel=view.um_per_pixel,
    )


def _scene(
    surface: Generator,
    blood: Generator,
    view: View,
    anatomy: Anatomy,
    traits: Traits,
    trees: list[tuple[VesselTree, Drawing]],
) -> Float32Array:
    """The eye under even light, before the camera: (H, W, 3) shares of full scale."""
    lesions = draw_lesions(surface, view, anatomy, traits)
    scene = retina(surface, view, anatomy, traits)
    colour = np.array(traits.colour, np.float32)
    for opacity, paint in (
        (lesions.pale, np.minimum(colour * 1.9 + 0.12, 0.95)),
        (lesions.lipid, np.array([0.98, 0.9, 0.5]) * min(1.0, 1.5 * traits.colour[0])),
    ):
        if opacity.any():
            scene += opacity[..., None] * (paint.astype(np.float32) - scene)
    add_disc(surface, scene, view, anatomy)
    absorbed = lesions.blood[..., None] * vessels.blood_colour(traits)[1]
    for (tree, drawing), shade, strength in zip(trees, vessels.blood_colour(traits), traits.reflex, strict=True):
        depth = vessels.blood_depth(drawing, vessels.visibility(blood, tree), view.um_per_pixel)
        depth = traits.saturation * (1 - np.exp(-depth / traits.saturation))
        depth *= 1 - vessels.reflex(blood, drawing, strength, traits.reflex_width, view.um_per_pixel)
        absorbed += depth[..., None] * shade
    scene *= np.exp(-absorbed)
    if traits.sheen > 0.02:
        scene += sheen(surface, view, anatomy, traits)[..., None] * np.array([0.5, 0.5, 0.3], np.float32) * colour.max()
    return scene
