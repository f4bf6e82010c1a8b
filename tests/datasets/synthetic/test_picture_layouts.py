from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ConfigError
from retseg.datasets.synthetic.layouts import write_layout
from retseg.datasets.synthetic.picture_layouts import PICTURE_LAYOUTS
from retseg.datasets.synthetic.scenes import draw_scene

COLOURS = {
    "void": (0, 0, 0),
    "building": (128, 0, 0),
    "grass": (0, 128, 0),
    "tree": (128, 128, 0),
    "cow": (0, 0, 128),
    "horse": (128, 0, 128),
    "sheep": (0, 128, 128),
    "sky": (128, 128, 128),
    "mountain": (64, 0, 0),
    "aeroplane": (192, 0, 0),
    "water": (64, 128, 0),
    "face": (192, 128, 0),
    "car": (64, 0, 128),
    "bicycle": (192, 0, 128),
    "flower": (64, 128, 128),
    "sign": (192, 128, 128),
    "bird": (0, 64, 0),
    "book": (128, 64, 0),
    "chair": (0, 192, 0),
    "road": (128, 64, 128),
    "cat": (0, 192, 128),
    "dog": (128, 192, 128),
    "body": (64, 64, 0),
    "boat": (192, 64, 0),
}
"""The owner's colours, as published."""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The root of each layout with its first pictures, small."""
    roots = {}

    def root_of(layout, count):
        if layout not in roots:
            roots[layout] = tmp_path_factory.mktemp(layout)
            write_layout(layout, roots[layout], count=count, scale=0.25)
        return roots[layout]

    return root_of


def names(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_the_sets_have_their_owners_numbers_of_pictures_and_names():
    ids = {name: [picture.id for picture in layout.pictures()] for name, layout in PICTURE_LAYOUTS.items()}
    assert {name: len(set(own)) for name, own in ids.items()} == {
        "msrc": 591,
        "stanford-background": 715,
        "penn-fudan": 170,
    }
    assert {int(name.split("_")[0]) for name in ids["msrc"]} == set(range(1, 21))
    assert ids["msrc"][:2] == ["1_1_s", "2_1_s"]
    assert ids["stanford-background"][0] == "0000047"
    assert ids["penn-fudan"][:2] == ["FudanPed00001", "PennPed00001"]


def test_msrcs_files_are_bitmaps_with_the_published_colours(written):
    root = written("msrc", 60)
    ids = [picture.id for picture in PICTURE_LAYOUTS["msrc"].pictures()[:60]]
    assert names(root) == sorted(f"{place}.bmp" for i in ids for place in (f"Images/{i}", f"GroundTruth/{i}_GT"))
    found = set()
    for number in ids:
        with (
            Image.open(root / f"GroundTruth/{number}_GT.bmp") as label,
            Image.open(root / f"Images/{number}.bmp") as image,
        ):
            assert (label.format, label.mode, image.format, image.mode) == ("BMP", "RGB", "BMP", "RGB")
            assert label.size == image.size
            found |= {colour for _, colour in label.getcolors()}
    assert found == set(COLOURS.values())


def test_msrcs_colours_mean_what_is_drawn(written):
    root = written("msrc", 60)
    picture = PICTURE_LAYOUTS["msrc"].pictures()[0]
    scene = draw_scene(picture.shows, picture.seed(0), *picture.size(0.25))
    with Image.open(root / f"GroundTruth/{picture.id}_GT.bmp") as label:
        pixels = np.array(label)
    order = [name for name in COLOURS if name != "void"]
    for value in np.unique(scene.labels):
        colour = COLOURS["void" if value == 255 else order[value]]
        assert (pixels[scene.labels == value] == colour).all()


def test_msrcs_sizes_are_mixed_and_scale():
    pictures = PICTURE_LAYOUTS["msrc"].pictures()
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 213), (320, 240), (213, 320)}
    assert {picture.size(0.5) for picture in pictures[:20]} == {(160, 107), (160, 120), (107, 160)}


def test_horses_and_mountains_are_rare():
    shows = [picture.shows for picture in PICTURE_LAYOUTS["msrc"].pictures()]
    assert 5 < shows.count("horses") < 20
    assert 5 < shows.count("mountains") < 20


def test_stanfords_labels_are_grids_of_numbers(written):
    root = written("stanford-background", 13)
    regions = {path: np.loadtxt(path, dtype=int) for path in sorted(root.glob("labels/*.regions.txt"))}
    assert len(regions) == 13
    assert len(names(root)) == 13 * 4
    for path, grid in regions.items():
        stem = path.name.split(".")[0]
        with Image.open(root / f"images/{stem}.jpg") as image:
            assert image.format == "JPEG"
            assert grid.shape == (image.height, image.width)
        surfaces = np.loadtxt(root / f"labels/{stem}.surfaces.txt", dtype=int)
        assert np.array_equal(surfaces == 0, grid == 0), "sky is sky"
        assert np.array_equal(surfaces == 1, np.isin(grid, (2, 3, 4))), "road, grass and water lie level"
        layers = np.loadtxt(root / f"labels/{stem}.layers.txt", dtype=int)
        assert np.array_equal(layers == -1, grid == -1)
        assert layers.max() + 1 == len(np.unique(layers[layers >= 0]))
    assert set(np.unique(np.concatenate([grid.ravel() for grid in regions.values()]))) >= set(range(8))


def test_penn_fudans_masks_number_the_people(written):
    root = written("penn-fudan", 6)
    assert [name for name in names(root) if "00001" in name] == [
        "PNGImages/FudanPed00001.png",
        "PNGImages/PennPed00001.png",
        "PedMasks/FudanPed00001_mask.png",
        "PedMasks/PennPed00001_mask.png",
    ]
    for path in root.glob("PedMasks/*.png"):
        with Image.open(path) as mask, Image.open(root / "PNGImages" / path.name.replace("_mask", "")) as image:
            assert (mask.mode, image.mode) == ("L", "RGB")
            assert mask.size == image.size
            values = np.unique(np.array(mask))
        assert np.array_equal(values, np.arange(len(values)))
        assert len(values) > 1


@pytest.mark.parametrize("layout", PICTURE_LAYOUTS)
def test_the_seed_decides_and_repeats(layout, tmp_path):
    contents = []
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_layout(layout, tmp_path / folder, count=1, seed=seed, scale=0.2)
        contents.append([(tmp_path / folder / name).read_bytes() for name in names(tmp_path / folder)])
    assert contents[0] == contents[1]
    assert all(one != other for one, other in zip(contents[0], contents[2], strict=True))


def test_every_picture_is_reported(tmp_path):
    done = []
    write_layout("penn-fudan", tmp_path, count=2, scale=0.1, report=lambda n, note: done.append((n, note)))
    assert done == [(1, "FudanPed00001"), (1, "PennPed00001")]


def test_an_unknown_layout_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean msrc"):
        write_layout("mrsc", tmp_path)
