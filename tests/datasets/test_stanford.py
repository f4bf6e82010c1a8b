from __future__ import annotations

import numpy as np
import pytest

from retseg.core.errors import ConfigError, ImageError, LayoutError
from retseg.datasets.config import DatasetConfig
from retseg.datasets.stanford import SCENES, StanfordBackground, read_grid

SHAPE = (24, 32)
GRID = np.arange(24 * 32).reshape(SHAPE) % 9 - 1
"""Every value from -1 to 7."""


def text(grid) -> str:
    return "".join(" ".join(map(str, row)) + "\n" for row in grid)


def stanford_at(root, studio, count=5, grid=GRID):
    (root / "labels").mkdir(parents=True)
    for number in range(count):
        studio.photograph(root / f"images/{number:07d}.jpg", SHAPE)
        (root / f"labels/{number:07d}.regions.txt").write_text(text(grid))
    return root


def ask(**config):
    return StanfordBackground(DatasetConfig(**config))


def found_in(root):
    return {f.path.relative_to(root).as_posix(): f.what for f in ask().check(root) if f.severity != "note"}


def test_unknown_pixels_are_void_and_all_others_keep_their_class(tmp_path, studio):
    dataset = ask()
    case = dataset.load(dataset.samples(stanford_at(tmp_path, studio))[0])
    class_map = case.targets["classes"]
    assert class_map.dtype == np.uint8
    assert np.array_equal(class_map, np.where(GRID < 0, 255, GRID))
    assert case.fov.all()
    assert case.remarks == ()
    assert dataset.classes.names[0] == "sky"
    assert dataset.classes.names[7] == "foreground object"


def test_classes_named_void_are_ignored_and_the_others_move_up(tmp_path, studio):
    dataset = ask(void=("sky", "mountain"))
    class_map = dataset.load(dataset.samples(stanford_at(tmp_path, studio))[0]).targets["classes"]
    assert dataset.classes.names == ("tree", "road", "grass", "water", "building", "foreground object")
    new = {-1: 255, 0: 255, 1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 255, 7: 5}
    assert np.array_equal(class_map, np.vectorize(new.get)(GRID))
    assert ask().classes.count == 8, "one set's void classes are no other's"
    with pytest.raises(ConfigError, match="no class 'skye'.*Did you mean sky"):
        ask(void=("skye",))


def test_a_label_that_is_all_unknown_is_remarked(tmp_path, studio):
    dataset = ask()
    case = dataset.load(dataset.samples(stanford_at(tmp_path, studio, grid=np.full(SHAPE, -1)))[0])
    assert (case.targets["classes"] == 255).all()
    assert len(case.remarks) == 1
    assert "void" in case.remarks[0]


def whole_at(root):
    for number in range(715):
        for path in (root / f"images/{number:07d}.jpg", root / f"labels/{number:07d}.regions.txt"):
            path.parent.mkdir(exist_ok=True)
            path.touch()
    return root


def test_the_customary_split_is_572_to_143_and_five_folds_test_each_photograph_once(tmp_path):
    root = whole_at(tmp_path)
    survey = ask().survey(root)
    assert survey.findings == []
    splits = [sample.split for sample in survey.samples]
    assert (splits.count("train"), splits.count("test")) == (572, 143)
    tested = []
    for fold in range(5):
        samples = ask(protocol="five-fold", fold=fold).survey(root).samples
        assert len(samples) == 715
        tests = [sample.id for sample in samples if sample.split == "test"]
        assert len(tests) == 143
        tested += tests
    assert len(set(tested)) == 715


def test_a_small_folder_keeps_the_proportions_and_folds_without_a_test_are_refused(tmp_path, studio):
    root = stanford_at(tmp_path, studio, count=3)
    assert sorted(sample.split for sample in ask().samples(root)) == ["test", "train", "train"]
    with pytest.raises(LayoutError, match="no photograph is left for the test"):
        ask(protocol="five-fold", fold=4).samples(root)
    with pytest.raises(ConfigError, match="from 0 to 4"):
        ask(protocol="five-fold", fold=5)


def test_the_owners_other_files_are_known(tmp_path, studio):
    root = stanford_at(tmp_path, studio)
    for name in ("labels/0000000.surfaces.txt", "labels/0000000.layers.txt", "horizons.txt"):
        (root / name).touch()
    assert [f.what for f in ask().check(root)] == ["5 photographs are here and the owner ships 715"]


BAD = {
    "a row too short": (text(GRID)[:-4] + "\n", "rows differ in length: line 24 has 30 numbers, the first has 32"),
    "a row too long": (text(GRID)[:-1] + " 1\n", "line 24 has 33 numbers"),
    "a class too large": (text(np.where(GRID == 7, 8, GRID)), "holds 8 in row 1, column 9; classes are 0 to 7"),
    "a value below unknown": (text(np.where(GRID == -1, -2, GRID)), "holds -2 in row 1, column 1"),
    "a huge number": (text(GRID).replace("7", "123456789"), "holds '123456789' in line 1"),
    "a fraction": (text(GRID).replace("7", "7.5"), "holds '7.5' in line 1"),
    "a word": (text(GRID).replace("7", "sky"), "holds 'sky' in line 1"),
    "a cut number": (text(GRID)[:-5] + "-", "in line 24"),
    "nothing": ("", "the label file is empty"),
    "blank lines": ("\n \n", "the label file is empty"),
    "another size": (text(GRID[:20]), "0000000.jpg is 32x24 but 0000000.regions.txt is 32x20"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_grid_is_refused_in_one_line_that_says_where(tmp_path, studio, case):
    content, words = BAD[case]
    root = stanford_at(tmp_path, studio)
    path = root / "labels/0000000.regions.txt"
    path.write_text(content)
    assert words in found_in(root)[path.relative_to(root).as_posix()]
    with pytest.raises(ImageError) as error:
        ask().load(ask().samples(root)[0])
    assert words in error.value.line
    assert str(path) in error.value.line
    assert "\n" not in error.value.line


def test_a_picture_instead_of_a_text_is_refused(tmp_path, studio):
    path = studio.photograph(tmp_path / "a.png")
    with pytest.raises(ImageError, match="not a text of numbers"):
        read_grid(path, SCENES.count)
    with pytest.raises(ImageError, match="cannot be read"):
        read_grid(tmp_path / "missing.txt", SCENES.count)


def test_windows_line_ends_tabs_and_blank_lines_are_fine(tmp_path):
    path = tmp_path / "a.regions.txt"
    path.write_bytes(b"0 1\t-1\r\n\r\n 7 6 5 \r\n")
    assert read_grid(path, SCENES.count).tolist() == [[0, 1, -1], [7, 6, 5]]


def test_an_unreadable_photograph_is_not_blamed_on_its_label(tmp_path, studio):
    root = stanford_at(tmp_path, studio)
    (root / "images/0000000.jpg").write_bytes(b"")
    assert list(found_in(root)) == ["images/0000000.jpg"]


def test_colours_stay_apart_for_readers_who_lack_one_kind_of_cone():
    from skimage.color import deltaE_ciede2000, rgb2lab

    # Machado, Oliveira and Fernandes 2009: what is left of linear RGB without one kind of cone.
    views = {
        "all": np.eye(3),
        "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
        "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
    }
    colours = np.array([*(item.colour for item in SCENES.items), (0, 0, 0)]) / 255
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    one, other = np.triu_indices(len(colours), 1)
    for view, matrix in views.items():
        seen = np.clip(linear @ np.array(matrix).T, 0, 1)
        lab = rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)[None])[0]
        assert deltaE_ciede2000(lab[one], lab[other]).min() > 18, view
