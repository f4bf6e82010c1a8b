"""The contact sheet that `prepare` draws, so that a person can see at a glance whether all is well."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from retseg.core.types import Classes, UInt8Array
from retseg.datasets.prepared import IndexRow
from retseg.imaging.io import read_image, read_label
from retseg.imaging.overlay import class_overlay, contact_sheet, outlined

MOST = 24
_WIDTH = 480
_FOV_COLOUR = (240, 228, 66)


def preview(folder: Path, rows: list[IndexRow], classes: Classes) -> UInt8Array:
    """Photographs with their labels tinted, things and the field of view outlined: (H, W, 3) uint8.

    At most `MOST` of them, spread evenly over the set, so that the sheet stays small for any number of images.
    """
    chosen = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(int))]
    return contact_sheet([(f"{row.id} ({row.split})", _panel(folder, row, classes)) for row in chosen])


def _panel(folder: Path, row: IndexRow, classes: Classes) -> UInt8Array:
    image = read_image(folder / row.image)
    step = max(1, image.shape[1] // _WIDTH)
    image = np.ascontiguousarray(image[::step, ::step])
    if row.label:
        label = read_label(folder / row.label)[::step, ::step]
        for index in classes.scored if classes.positive is None else (classes.positive,):
            image = class_overlay(image, label == index, classes.items[index].colour, 0.6)
    if row.instances:
        image = outlined(image, read_label(folder / row.instances)[::step, ::step].astype(np.uint16))
    if classes.outside is None:
        return image
    fov = read_label(folder / row.fov)[::step, ::step] > 0
    inside = fov[1:-1, 1:-1] & fov[:-2, 1:-1] & fov[2:, 1:-1] & fov[1:-1, :-2] & fov[1:-1, 2:]
    rim = fov.copy()
    rim[1:-1, 1:-1] &= ~inside
    return class_overlay(image, rim, _FOV_COLOUR, 1.0)
