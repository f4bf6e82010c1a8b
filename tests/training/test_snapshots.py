from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import InputError
from retseg.training.snapshots import GRID, SNAPSHOTS, draw_grid, epoch_name, write_snapshot

RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (40, 60)) -> np.ndarray:
    return np.full((*size, 3), colour, np.uint8)


def colours_along(line: np.ndarray) -> list[tuple[int, ...]]:
    """The colours that a line of pixels passes, in order, without the paper."""
    found: list[tuple[int, ...]] = []
    for pixel in map(tuple, line.tolist()):
        if not found or found[-1] != pixel:
            found.append(pixel)
    return [pixel for pixel in found if pixel != (255, 255, 255)]


def test_a_snapshot_is_a_picture_for_each_photograph(tmp_path: Path) -> None:
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    write_snapshot(tmp_path, epoch_name(16), {"a.1": grey, "left/b": plain(RED)})
    folder = tmp_path / "snapshots" / "epoch-0016"
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*")) == ["a.1.png", "left/b.png"]
    assert np.array_equal(np.asarray(Image.open(folder / "a.1.png")), grey)
    assert np.array_equal(np.asarray(Image.open(folder / "left/b.png")), plain(RED))


def test_the_grid_has_photographs_below_each_other_and_epochs_in_their_order(tmp_path: Path) -> None:
    # Epoch 16 before 2 by time of writing, and 9999 before 10000 by number though not by name.
    for name, colour in (
        ("epoch-0016", (10, 0, 0)),
        ("photograph", RED),
        ("epoch-0002", (20, 0, 0)),
        ("epoch-10000", (40, 0, 0)),
        ("truth", BLUE),
        ("epoch-9999", (30, 0, 0)),
    ):
        write_snapshot(tmp_path, name, {"b": plain(colour), "a": plain(GREEN if name == "photograph" else colour)})
    draw_grid(tmp_path)
    grid = np.asarray(Image.open(tmp_path / GRID))
    inside = np.argwhere((grid == GREEN).all(axis=2))
    (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0)
    assert (bottom - top + 1, right - left + 1) == (40, 60)
    assert colours_along(grid[top + 20]) == [GREEN, BLUE, (20, 0, 0), (10, 0, 0), (30, 0, 0), (40, 0, 0)]
    assert colours_along(grid[top:, left + 30]) == [GREEN, RED]
    # Something is written above each of the six columns.
    assert all((grid[: top - 1, left + 66 * i : left + 66 * i + 60] < 128).any() for i in range(6))


def test_a_picture_that_is_missing_leaves_its_place_empty(tmp_path: Path) -> None:
    write_snapshot(tmp_path, "photograph", {"a": plain(RED), "b": plain(GREEN, (20, 30))})
    write_snapshot(tmp_path, "epoch-0001", {"b": np.full((20, 30), 77, np.uint8)})
    draw_grid(tmp_path)
    grid = np.asarray(Image.open(tmp_path / GRID))
    (red, _), (green, _) = np.argwhere((grid == RED).all(axis=2))[0], np.argwhere((grid == GREEN).all(axis=2))[0]
    assert colours_along(grid[red + 5]) == [RED]
    assert colours_along(grid[green + 5]) == [GREEN, (77, 77, 77)]


def test_without_photographs_there_is_no_grid(tmp_path: Path) -> None:
    draw_grid(tmp_path)
    write_snapshot(tmp_path, "epoch-0001", {"a": plain(RED)})
    draw_grid(tmp_path)
    assert not (tmp_path / GRID).exists()


def test_a_spoilt_snapshot_is_named(tmp_path: Path) -> None:
    write_snapshot(tmp_path, "photograph", {"a": plain(RED)})
    (tmp_path / SNAPSHOTS / "photograph" / "a.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"a\.png"):
        draw_grid(tmp_path)
