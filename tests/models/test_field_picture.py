from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.models.effective_field import EffectiveField
from retseg.models.field_picture import FieldPicture, write_field_picture

ORANGE, BLUE, BLACK = (213, 94, 0), (86, 180, 233), (0, 0, 0)


def drawn(tmp_path: Path, picture: FieldPicture) -> np.ndarray:
    """The PNG without its lowest part, which holds the legend."""
    path = tmp_path / "field.png"
    write_field_picture(path, picture)
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return pixels[: int(0.9 * len(pixels))]


def extent(pixels: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int]:
    """Height and width in pixels of what is drawn in a colour."""
    rows, columns = np.nonzero((np.abs(pixels - np.array(colour)) < 6).all(axis=2))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_the_square_is_drawn_to_scale(tmp_path: Path) -> None:
    small, large = (
        extent(drawn(tmp_path, FieldPicture("net", (96, 96), 2, side)), ORANGE) for side in [(40, 20), (80, 60)]
    )
    assert large[0] / small[0] == pytest.approx(80 / 40, abs=0.05)
    assert large[1] / small[1] == pytest.approx(60 / 20, abs=0.1)
    assert small[0] / small[1] == pytest.approx(2, abs=0.05)


def test_no_bound_covers_the_whole_input(tmp_path: Path) -> None:
    whole, most = (extent(drawn(tmp_path, FieldPicture("net", (96, 96), 2, side)), ORANGE) for side in [None, (96, 96)])
    assert whole == pytest.approx(most, abs=3)


def test_a_small_field_is_shown_from_close_by_too(tmp_path: Path) -> None:
    near, far = (drawn(tmp_path, FieldPicture("net", (96, 96), 2, side)) for side in [(6, 6), (30, 30)])
    assert near.shape[1] == 2 * far.shape[1]
    assert extent(near[:, far.shape[1] :], ORANGE)[0] > 4 * extent(near[:, : far.shape[1]], ORANGE)[0]


def test_heat_stands_beside_the_photograph_with_its_squares(tmp_path: Path) -> None:
    # Half of the gradient in the centre, the rest 20 pixels away: 50% lie within 1 x 1, 95% within 41 x 41.
    heat = np.zeros((96, 96))
    heat[48, 48], heat[48, 28] = 0.5, 0.5
    photograph = np.full((96, 96, 3), 128, np.uint8)
    picture = FieldPicture("net", (96, 96), 2, (82, 82), photograph, EffectiveField(heat, (48, 48)))
    pixels = drawn(tmp_path, picture)
    right = pixels[:, pixels.shape[1] // 2 :]
    theory, effective = extent(right, ORANGE), extent(right, BLUE)
    assert theory[0] / effective[0] == pytest.approx(82 / 41, abs=0.06)


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    picture = FieldPicture("net", (32, 48), 4, (6, 6))
    for name in ("a.png", "b.png"):
        write_field_picture(tmp_path / "new" / name, picture)
    assert (tmp_path / "new/a.png").read_bytes() == (tmp_path / "new/b.png").read_bytes()
