"""What the tests of whole commands share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import fundus


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a user's own with `eyes/`: eight labelled photographs of four children, the last one for the test."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "eyes/labels").mkdir(parents=True)
    lines = ["image,patient,label,split"]
    for number in range(8):
        image = fundus(10 + number)
        Image.fromarray(image).save(folder / f"eyes/{number}.png")
        vessel = (image[..., 0] < 120) & (image[..., 0] > 20)
        Image.fromarray(vessel.astype(np.uint8) * np.uint8(255)).save(folder / f"eyes/labels/{number}.png")
        lines.append(f"{number}.png,child {number // 2},labels/{number}.png,{'train' if number < 6 else 'test'}")
    (folder / "eyes/index.csv").write_text("\n".join(lines) + "\n")
    return folder
