from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from retseg.imaging.io import write_png
from retseg.reporting import eye_layers
from retseg.reporting.eye_pictures import LARGE_BUDGET, SMALL_BUDGET, EyePictures, eye_pictures
from retseg.reporting.measured_files import MeasuredPhotograph, read_measured
from tests.reporting.measured_folder import Drawn, make_measured


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_measured(tmp_path_factory.mktemp("eye") / "predict", (Drawn("one", 1),))


@pytest.fixture
def measured(folder: Path) -> MeasuredPhotograph:
    return read_measured(folder).photographs[0]


def opened(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))


def size(pictures: EyePictures) -> int:
    return len(pictures.photograph) + sum(len(layer.source) for layer in pictures.layers)


def test_all_layers_lie_on_the_photograph(folder: Path, measured: MeasuredPhotograph) -> None:
    pictures = eye_pictures(folder, measured, False)
    assert [layer.kind for layer in pictures.layers] == ["mask", "contour", "probability", "uncertainty", "calibre"]
    assert opened(pictures.photograph).size == (pictures.width, pictures.height) == (320, 320)
    for layer in pictures.layers:
        assert layer.source.startswith("data:image/png;base64,")
        assert opened(layer.source).size == (320, 320)
    assert not pictures.missing
    assert len(pictures.thumbnail) < 6000


def test_the_mask_is_exact_and_clear_elsewhere(folder: Path, measured: MeasuredPhotograph) -> None:
    pictures = eye_pictures(folder, measured, False)
    mask = np.asarray(Image.open(folder / "mask" / "one.png")) > 0
    layers = {layer.kind: np.asarray(opened(layer.source).convert("RGBA")) for layer in pictures.layers}
    assert (layers["mask"][mask] == (*eye_layers.MASK_COLOUR, 255)).all()
    assert (layers["mask"][~mask][:, 3] == 0).all()
    contour = layers["contour"][..., 3] > 0
    assert not (contour & mask).any()
    assert (contour == (ndimage.binary_dilation(mask) & ~mask)).all()
    assert (layers["probability"][..., 3] > 128)[mask].mean() > 0.7


def test_layers_whose_files_are_missing_are_left_out(tmp_path: Path) -> None:
    folder = make_measured(tmp_path / "predict", (Drawn("one", 1),))
    (folder / "uncertainty" / "one.png").unlink()
    (folder / "measure" / "skeleton" / "one.png").unlink()
    write_png(folder / "prob" / "one.png", np.zeros((20, 20), np.uint16))
    pictures = eye_pictures(folder, read_measured(folder).photographs[0], False)
    assert [layer.kind for layer in pictures.layers] == ["mask", "contour"]


def test_a_photograph_that_is_gone_is_said_and_not_invented(folder: Path, measured: MeasuredPhotograph) -> None:
    pictures = eye_pictures(folder, replace(measured, image="/nowhere.png"), False)
    assert pictures.missing
    assert np.asarray(opened(pictures.photograph)).max() == 0
    assert len(pictures.layers) == 5


def test_outside_the_field_of_view_can_be_blackened(tmp_path: Path, measured: MeasuredPhotograph, folder: Path) -> None:
    image = np.full((320, 320, 3), 200, np.uint8)
    write_png(tmp_path / "named.png", image)
    named = replace(measured, image=str(tmp_path / "named.png"))
    assert np.asarray(opened(eye_pictures(folder, named, False).photograph))[0, 0].min() > 150
    assert np.asarray(opened(eye_pictures(folder, named, True).photograph))[0, 0].max() < 20


def test_no_metadata_of_the_file_is_left(tmp_path: Path, folder: Path, measured: MeasuredPhotograph) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Anna Muster, born 1963"
    path = tmp_path / "exif.jpg"
    Image.fromarray(np.full((320, 320, 3), 90, np.uint8)).save(path, exif=exif, comment=b"Anna Muster")
    pictures = eye_pictures(folder, replace(measured, image=str(path)), False)
    for source in (pictures.photograph, *(layer.source for layer in pictures.layers)):
        data = base64.b64decode(source.partition(",")[2])
        assert b"Anna" not in data
        assert not opened(source).getexif()
    assert b"Anna" not in pictures.thumbnail


@pytest.mark.parametrize(
    ("height", "width", "budget"),
    [(1300, 1530, SMALL_BUDGET), pytest.param(2336, 3504, LARGE_BUDGET, marks=pytest.mark.slow)],
)
def test_even_noise_stays_within_the_budget(tmp_path: Path, height: int, width: int, budget: int) -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    folder = tmp_path / "predict"
    write_png(tmp_path / "noise.png", image)
    write_png(folder / "mask" / "noise.png", image[..., 0] > 200)
    write_png(folder / "prob" / "noise.png", image[..., 1].astype(np.uint16) * 257)
    write_png(folder / "uncertainty" / "noise.png", image[..., 2].astype(np.uint16) * 257)
    write_png(folder / "measure" / "skeleton" / "noise.png", np.where(image[..., 0] > 240, image[..., 1], 0))
    blank = MeasuredPhotograph("noise", str(tmp_path / "noise.png"), None, None, None, None, None, None, {})  # type: ignore[arg-type]
    pictures = eye_pictures(folder, blank, False)
    assert size(pictures) <= budget
    assert pictures.shown_width <= pictures.width == width


def test_classes_of_calibre_are_the_same_for_all_with_a_scale_and_fifths_without() -> None:
    skeleton = np.zeros((10, 30), np.uint8)
    skeleton[5] = np.arange(30) * 4
    assert eye_layers.calibre_edges(skeleton, 10.0) == (4.5, 6.5, 8.5, 10.5, 12.5)
    own = eye_layers.calibre_edges(skeleton, None)
    assert len(own) == 5
    assert list(own) == sorted(own)
    assert eye_layers.calibre_edges(np.zeros((4, 4), np.uint8), None) == ()


@pytest.mark.parametrize(("width", "pixels"), [(100, 1), (565, 1), (1000, 1), (1900, 1), (3504, 3), (5000, 5)])
def test_lines_grow_with_the_photograph(width: int, pixels: int) -> None:
    assert eye_layers.line_width(width, 1000) == pixels
