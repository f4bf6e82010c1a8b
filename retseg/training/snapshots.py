"""What a net makes of a few photographs while it learns: a picture of each after some epochs, and all in one grid."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from retseg.core.errors import InputError
from retseg.core.paths import write_atomically
from retseg.core.types import UInt8Array

SNAPSHOTS = "snapshots"
GRID = "snapshots.png"
PHOTOGRAPH, TRUTH = "photograph", "truth"

_EPOCH = re.compile(r"epoch-(\d+)")
_GAP, _HEAD, _LETTERS = 6, 32, 19
_PAPER, _INK = (255, 255, 255), (27, 33, 38)


def epoch_name(epoch: int) -> str:
    """The name of the pictures after an epoch: `epoch-0016`."""
    return f"epoch-{epoch:04d}"


def write_snapshot(folder: Path, name: str, pictures: Mapping[str, UInt8Array]) -> None:
    """Writes `snapshots/<name>/<id>.png` below the folder of a training, each file whole or not at all.

    Args:
        folder: The folder of the training.
        name: "photograph", "truth", or that of an epoch, see `epoch_name`.
        pictures: By the photograph's id, (H, W) grey or (H, W, 3) RGB uint8.
    """
    for identifier, picture in pictures.items():
        data = io.BytesIO()
        Image.fromarray(picture).save(data, "PNG", optimize=True)
        write_atomically(folder / SNAPSHOTS / name / f"{identifier}.png", data.getvalue())


def draw_grid(folder: Path) -> None:
    """Composes snapshots.png: a row for each photograph; columns photograph, truth and each epoch, named above.

    A picture that is not there leaves its place empty; without any photograph nothing is drawn.
    """
    columns = _columns(folder / SNAPSHOTS)
    rows = _ids(folder / SNAPSHOTS / PHOTOGRAPH)
    if not rows or not columns:
        return
    pictures = {
        (row, column): _read(path)
        for row, identifier in enumerate(rows)
        for column, name in enumerate(columns)
        if (path := folder / SNAPSHOTS / name / f"{identifier}.png").is_file()
    }
    widths = [max(p.width for (_, c), p in pictures.items() if c == column) for column in range(len(columns))]
    heights = [max(p.height for (r, _), p in pictures.items() if r == row) for row in range(len(rows))]
    lefts = _starts(widths, _GAP)
    tops = _starts(heights, _HEAD)
    grid = Image.new("RGB", (lefts[-1], tops[-1]), _PAPER)
    for (row, column), picture in pictures.items():
        grid.paste(picture, (lefts[column], tops[row]))
    draw = ImageDraw.Draw(grid)
    for left, width, words in zip(lefts, widths, columns.values(), strict=False):
        _write_words(draw, left, width, words)
    data = io.BytesIO()
    grid.save(data, "PNG", optimize=True)
    write_atomically(folder / GRID, data.getvalue())


def _columns(folder: Path) -> dict[str, str]:
    """The folders of the grid's columns that hold a picture, in order, with what stands above them."""
    epochs = {
        path.name: int(found[1])
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (found := _EPOCH.fullmatch(path.name))
    }
    names = {PHOTOGRAPH: "Photograph", TRUTH: "Truth"}
    names |= {name: f"Epoch {epochs[name]}" for name in sorted(epochs, key=lambda name: epochs[name])}
    return {name: words for name, words in names.items() if _ids(folder / name)}


def _ids(folder: Path) -> list[str]:
    """The photographs that a folder has pictures of; an id may hold slashes."""
    return sorted(
        path.relative_to(folder).as_posix().removesuffix(".png")
        for path in folder.rglob("*.png")
        if not path.name.startswith(".")
    )


def _starts(sizes: list[int], first: int) -> list[int]:
    """Where each of several things with gaps between them starts, from `first` on, and last where all of them end."""
    return [int(start) for start in np.cumsum([first, *(size + _GAP for size in sizes)])]


def _read(path: Path) -> Image.Image:
    try:
        return Image.open(path).convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(
            f"the snapshot cannot be read ({error})", where=path, fix="Train anew with --force, or delete the file"
        ) from None


def _write_words(draw: ImageDraw.ImageDraw, left: int, width: int, words: str) -> None:
    """Words in the middle of a column's head; smaller where the pictures are narrow."""
    size = _LETTERS
    while size > 8 and draw.textlength(words, ImageFont.load_default(size)) > width:
        size -= 1
    draw.text((left + width / 2, _HEAD / 2), words, _INK, ImageFont.load_default(size), anchor="mm")
