"""Everyday scenes with 23 classes and void: a background, and animals, vehicles, things or people where they belong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retseg.core.types import UInt8Array
from retseg.datasets.synthetic.drawing.canvas import Canvas
from retseg.datasets.synthetic.scenes_afar import AFAR
from retseg.datasets.synthetic.scenes_near import NEAR
from retseg.datasets.synthetic.setting import NAMES as NAMES
from retseg.datasets.synthetic.setting import VOID as VOID
from retseg.datasets.synthetic.setting import Setting

VERSION = 1
"""Grows with every change of what a seed gives."""

_SEAM = 0.009
"""How far unlabelled seams reach into each region, about, as a share of the shorter side."""

_KINDS = {**AFAR, **NEAR}
KINDS = tuple(_KINDS)
"""What scenes show. Horses and mountains are to be rare in the sets that are made of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photograph (H, W, 3) and its labels (H, W): places in `NAMES`, or `VOID`."""

    image: UInt8Array
    labels: UInt8Array


def draw_scene(kind: str, seed: int, width: int, height: int, *, seams: bool = True) -> Scene:
    """The scene of a kind that a seed gives, `width` x `height` pixels; at another size it has the same shapes.

    `seams` False labels every region up to its border.
    """
    shapes, light, grain = (np.random.default_rng([seed, stream]) for stream in range(3))
    canvas = Canvas(width, height, grain, VOID)
    _KINDS[kind](Setting(shapes, canvas))
    image = canvas.developed(light)
    labels = canvas.labels.astype(np.uint8)
    if seams:
        labels[canvas.seams(_SEAM * float(light.uniform(0.6, 1.5)))] = VOID
    return Scene(image, labels)
