from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ConfigError
from retseg.datasets.synthetic.layouts import HRF_GREY_LABELS, STARE_NUMBERS, write_layout
from retseg.imaging.io import read_image, read_label

SCALES = {"drive": 0.15, "chase": 0.1, "stare": 0.12, "hrf": 0.05}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The root of four small photographs of each layout."""
    roots = {}

    def root_of(layout):
        if layout not in roots:
            roots[layout] = tmp_path_factory.mktemp(layout)
            write_layout(layout, roots[layout], count=4, scale=SCALES[layout])
        return roots[layout]

    return root_of


def names(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def expected(layout):
    if layout == "drive":
        train, test = ([f"{n:02d}" for n in numbers] for numbers in (range(21, 41), range(1, 21)))
        return {
            *(f"training/{f}" for n in train for f in (f"images/{n}_training.tif", f"1st_manual/{n}_manual1.gif")),
            *(f"training/mask/{n}_training_mask.gif" for n in train),
            *(f"test/{f}" for n in test for f in (f"images/{n}_test.tif", f"mask/{n}_test_mask.gif")),
            *(f"test/{f}" for n in test for f in (f"1st_manual/{n}_manual1.gif", f"2nd_manual/{n}_manual2.gif")),
        }
    if layout == "chase":
        stems = [f"Image_{n:02d}{eye}" for n in range(1, 15) for eye in "LR"]
        return {f"{stem}{end}" for stem in stems for end in (".jpg", "_1stHO.png", "_2ndHO.png")}
    if layout == "stare":
        return {f"im{n:04d}{kind}.ppm.gz" for n in STARE_NUMBERS for kind in ("", ".ah", ".vk")}
    groups = {"h": "jpg", "dr": "JPG", "g": "jpg"}
    return {
        name
        for n in range(1, 16)
        for group, suffix in groups.items()
        for name in (
            f"images/{n:02d}_{group}.{suffix}",
            f"manual1/{n:02d}_{group}.tif",
            f"mask/{n:02d}_{group}_mask.tif",
        )
    }


@pytest.mark.slow
@pytest.mark.parametrize("layout", SCALES)
def test_a_full_set_has_every_file_of_its_owner_and_no_other(tmp_path, layout):
    write_layout(layout, tmp_path, scale=SCALES[layout])
    assert names(tmp_path) == expected(layout)


@pytest.mark.parametrize(("layout", "files"), {"drive": 4 + 3 + 4 + 3, "chase": 12, "stare": 12, "hrf": 12}.items())
def test_a_few_photographs_have_their_owners_names(written, layout, files):
    found = names(written(layout))
    assert found < expected(layout)
    assert len(found) == files


def test_drives_files_are_encoded_as_its_owner_does(written):
    root = written("drive")
    with Image.open(root / "training/images/21_training.tif") as image:
        assert (image.format, image.mode) == ("TIFF", "RGB")
    for name in ("training/1st_manual/21_manual1.gif", "test/mask/01_test_mask.gif"):
        with Image.open(root / name) as label:
            assert (label.format, label.mode) == ("GIF", "L")
            assert set(np.unique(np.array(label))) == {0, 255}
    with Image.open(root / "test/2nd_manual/01_manual2.gif") as second:
        assert second.mode == "P"
        assert set(np.unique(np.array(second))) == {0, 1}


def test_chases_labels_have_one_bit(written):
    with Image.open(written("chase") / "Image_01L_1stHO.png") as label:
        assert (label.format, label.mode) == ("PNG", "1")
    with Image.open(written("chase") / "Image_01L.jpg") as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")


def test_stares_files_are_gzipped_ppm(written):
    path = written("stare") / "im0003.vk.ppm.gz"
    with Image.open(io.BytesIO(gzip.decompress(path.read_bytes()))) as label:
        assert label.format == "PPM"
    assert set(np.unique(read_label(path))) == {0, 255}


def test_hrfs_masks_are_rgb_and_three_labels_are_grey(written):
    root = written("hrf")
    with Image.open(root / "mask/01_h_mask.tif") as mask:
        assert mask.mode == "RGB"
    grey = set()
    for path in (root / "manual1").iterdir():
        values = np.unique(read_label(path))
        if len(values) > 2:
            grey.add(path.stem)
            assert (values <= 127).any()
            assert (values > 127).any()
    assert grey == {"11_h"}
    assert grey < set(HRF_GREY_LABELS)


@pytest.mark.parametrize("layout", SCALES)
def test_photographs_and_labels_belong_together(written, layout):
    root = written(layout)
    photographs = {"drive": "training/images/22_training.tif", "chase": "Image_01R.jpg"}
    photographs |= {"stare": "im0002.ppm.gz", "hrf": "images/11_dr.JPG"}
    labels = {"drive": "training/1st_manual/22_manual1.gif", "chase": "Image_01R_1stHO.png"}
    labels |= {"stare": "im0002.ah.ppm.gz", "hrf": "manual1/11_dr.tif"}
    image, label = read_image(root / photographs[layout]), read_label(root / labels[layout])
    assert image.shape[:2] == label.shape
    vessel = label > (label.max() // 2)
    assert 0.01 < vessel.mean() < 0.3
    assert (image[vessel].sum(1) > 30).mean() > 0.9, "vessels lie inside the field"


def test_a_few_photographs_are_of_training_and_test_alike(written):
    def photographs(layout, pattern):
        return {path.stem for path in written(layout).rglob(pattern) if path.suffix in (".tif", ".jpg", ".JPG")}

    assert photographs("drive", "images/*") == {"21_training", "01_test", "22_training", "02_test"}
    assert photographs("chase", "*.jpg") == {"Image_01L", "Image_01R", "Image_11L", "Image_11R"}
    assert photographs("hrf", "images/*") == {"01_h", "11_h", "01_dr", "11_dr"}


def test_newer_downloads_of_drive_lack_the_tests_labels(tmp_path):
    write_layout("drive", tmp_path, count=2, scale=0.1, test_labels=False)
    assert not (tmp_path / "test" / "1st_manual").exists()
    assert (tmp_path / "test" / "2nd_manual" / "01_manual2.gif").is_file()
    assert (tmp_path / "training" / "1st_manual" / "21_manual1.gif").is_file()


def test_the_seed_decides_and_repeats(tmp_path):
    contents = []
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_layout("stare", tmp_path / folder, count=1, seed=seed, scale=0.1)
        contents.append((tmp_path / folder / "im0001.ppm.gz").read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_every_photograph_is_reported(tmp_path):
    done = []
    write_layout("chase", tmp_path, count=2, scale=0.05, report=lambda n, note: done.append(note))
    assert done == ["Image_01L", "Image_01R"]


def test_an_unknown_layout_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean stare"):
        write_layout("staer", tmp_path)
