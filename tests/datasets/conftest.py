"""Tiny photographs, labels and masks in any file format, drawn in a moment."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHAPE = (48, 64)


class Studio:
    """Writes tiny fundus files. All of one shape show the same disc and the same vessel."""

    def disc(self, shape: tuple[int, int] = SHAPE) -> np.ndarray:
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        radius = 0.45 * min(shape)
        return (rows - shape[0] / 2 + 0.5) ** 2 + (columns - shape[1] / 2 + 0.5) ** 2 <= radius**2

    def vessel(self, shape: tuple[int, int] = SHAPE) -> np.ndarray:
        """Runs from edge to edge, so also outside the disc."""
        drawn = np.zeros(shape, bool)
        drawn[shape[0] // 2 - 1 : shape[0] // 2 + 1] = True
        return drawn

    def pixels(self, shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
        noise = np.random.default_rng(seed).integers(-8, 9, (*shape, 1))
        image = np.array([170, 90, 40]) + noise - 50 * self.vessel(shape)[..., None]
        return (image * self.disc(shape)[..., None]).clip(0, 255).astype(np.uint8)

    def photograph(self, path: Path, shape: tuple[int, int] = SHAPE, seed: int = 0) -> Path:
        return self.save(path, Image.fromarray(self.pixels(shape, seed)))

    def label(self, path: Path, shape: tuple[int, int] = SHAPE, white: int = 255) -> Path:
        return self.save(path, Image.fromarray(self.vessel(shape).astype(np.uint8) * np.uint8(white)))

    def mask(self, path: Path, shape: tuple[int, int] = SHAPE, mode: str = "L") -> Path:
        return self.save(path, Image.fromarray(self.disc(shape).astype(np.uint8) * np.uint8(255)).convert(mode))

    def grey_label(self, path: Path, shape: tuple[int, int] = SHAPE, values: int = 7) -> Path:
        """A label with exactly `values` grey values, 0 and 255 among them."""
        levels = np.linspace(0, 255, values).astype(np.uint8)
        drawn = np.zeros(shape, np.uint8)
        drawn[shape[0] // 2, :values] = levels
        return self.save(path, Image.fromarray(drawn))

    def save(self, path: Path, image: Image.Image) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = {"jpg": "JPEG", "tif": "TIFF", "pgm": "PPM"}
        name = path.name.lower().removesuffix(".gz")
        suffix = name.rpartition(".")[2]
        buffer = io.BytesIO()
        image.save(buffer, kind.get(suffix, suffix.upper()))
        path.write_bytes(gzip.compress(buffer.getvalue()) if path.suffix == ".gz" else buffer.getvalue())
        return path

    def truncate(self, path: Path, keep: float = 0.6) -> Path:
        data = path.read_bytes()
        path.write_bytes(data[: int(keep * len(data))])
        return path


@pytest.fixture(scope="session")
def studio() -> Studio:
    return Studio()
