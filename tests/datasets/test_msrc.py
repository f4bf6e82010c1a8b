from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from retseg.core.errors import ConfigError, ImageError, LayoutError
from retseg.core.types import CLASS_MAP
from retseg.datasets.class_tables import ALL_VOID
from retseg.datasets.colour_labels import ColourCode
from retseg.datasets.config import DatasetConfig
from retseg.datasets.msrc import MSRC, SHARES, Msrc
from retseg.datasets.prepared import IndexRow
from retseg.datasets.registry import DATASETS, find_datasets

CODE = ColourCode(MSRC)
VOID = 255
NAMES = MSRC.names
SHAPES = ((21, 32), (24, 32), (32, 21))
LISTS = {"Train.txt": ["1_1_s.bmp", "1_2_s.bmp"], "Validation.txt": ["1_3_s.bmp"], "Test.txt": ["2_1_s.bmp"]}


def stem_of(number: int) -> str:
    return f"{number // 3 + 1}_{number % 3 + 1}_s"


def class_map_of(number: int) -> np.ndarray:
    """Stripes of three neighbouring classes above a row of void, in one of three sizes."""
    height, width = SHAPES[number % 3]
    stripes = ((np.arange(width) * 3 // width + number) % MSRC.count).astype(np.uint8)
    drawn = np.tile(stripes, (height, 1))
    drawn[-1] = VOID
    return drawn


def save(path: Path, rgb) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(rgb, np.uint8)).save(path)
    return path


def save_cleaned(path: Path, class_map: np.ndarray) -> Path:
    """The class map as numbered segments: one a class, and a last number without a class for void."""
    found = sorted(set(class_map.ravel().tolist()) - {VOID})
    segments = np.full(class_map.shape, len(found) + 1, np.uint16)
    for number, index in enumerate(found, 1):
        segments[class_map == index] = number
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"newseg": segments, "newlabels": np.array([found], np.uint8) + 1})
    return path


def write(root: Path, count: int, *, suffix: str = ".bmp", owner: bool = True, cleaned: bool = False) -> Path:
    for number in range(count):
        class_map = class_map_of(number)
        noise = np.random.default_rng(number).integers(0, 40, (*class_map.shape, 3))
        save(root / f"Images/{stem_of(number)}{suffix}", CODE.to_colours(class_map) + noise.astype(np.uint8))
        if owner:
            save(root / f"GroundTruth/{stem_of(number)}_GT{suffix}", CODE.to_colours(class_map))
        if cleaned:
            save_cleaned(root / f"newsegmentations_mats/{stem_of(number)}_GT.mat", class_map)
    return root


def write_lists(folder: Path, lists=LISTS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in lists.items():
        (folder / name).write_text("\n".join(lines) + "\n")


def msrc(**options) -> Msrc:
    return Msrc(DatasetConfig(**options))


def findings_of(root: Path, **options) -> list[tuple[str, str, str]]:
    found = msrc(**options).survey(root).findings
    return [(each.severity, each.path.relative_to(root).as_posix(), each.what) for each in found]


def splits(samples) -> dict[str, str]:
    return {sample.id: sample.split for sample in samples}


@pytest.fixture
def root(tmp_path):
    write(tmp_path / "MSRC", 4)
    write_lists(tmp_path / "MSRC")
    return tmp_path / "MSRC"


def test_the_set_is_registered_and_found_by_the_names_of_its_photographs(tmp_path, studio):
    assert DATASETS.get("msrc") is Msrc
    found = write(tmp_path / "download/MSRC_ObjCategImageDatabase_v2", 1)
    studio.photograph(tmp_path / "other/images/0000047.jpg")
    studio.photograph(tmp_path / "mine/images/holiday_s.jpg")
    assert find_datasets(tmp_path) == {"msrc": found}


def test_23_classes_in_the_owners_order_and_void():
    assert MSRC.count == 23
    assert (NAMES[0], NAMES[4], NAMES[7], NAMES[22]) == ("building", "horse", "mountain", "boat")
    assert (MSRC.positive, MSRC.outside, MSRC.ignore, MSRC.subject) == (None, None, 255, "photograph")


def test_cases_are_exact_in_mixed_sizes_and_every_pixel_counts(root):
    dataset = msrc()
    for number, sample in enumerate(dataset.samples(root)):
        case = dataset.load(sample)
        assert np.array_equal(case.targets[CLASS_MAP], class_map_of(number))
        assert case.image.shape == (*SHAPES[number % 3], 3)
        assert case.fov.all()
        assert not case.fov_estimated
        assert (sample.id, sample.patient, sample.reference) == (stem_of(number), stem_of(number), "owner")
        assert case.remarks == ()
        assert set(case.targets) == {CLASS_MAP}


@pytest.mark.parametrize("suffix", [".bmp", ".BMP", ".png", ".PNG"])
def test_suffixes_of_any_case_and_lossless_copies_will_do(tmp_path, suffix):
    dataset = msrc()
    samples = dataset.samples(write(tmp_path, 3, suffix=suffix))
    assert [sample.id for sample in samples] == [stem_of(number) for number in range(3)]
    assert np.array_equal(dataset.load(samples[1]).targets[CLASS_MAP], class_map_of(1))


def test_void_classes_leave_the_table_and_their_pixels_count_nowhere(tmp_path):
    dataset = msrc(void=("horse", "mountain"))
    assert dataset.classes.count == 21
    assert MSRC.count == Msrc.classes.count == 23
    write(tmp_path, 9, cleaned=True)
    for number, sample in enumerate(dataset.samples(tmp_path)):
        case = dataset.load(sample)
        expected = [
            VOID
            if index == VOID or NAMES[index] in ("horse", "mountain")
            else dataset.classes.names.index(NAMES[index])
            for index in class_map_of(number).ravel()
        ]
        assert case.targets[CLASS_MAP].ravel().tolist() == expected
        assert case.observers["cleaned"].ravel().tolist() == expected
    with pytest.raises(ConfigError, match="Did you mean horse"):
        msrc(void=("hose",))


# --- splits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["", "TextonBoostSplits", "textonboostsplits"])
def test_the_customary_split_follows_the_lists(tmp_path, folder):
    write(tmp_path, 4)
    write_lists(tmp_path / folder)
    assert splits(msrc().samples(tmp_path)) == {
        "1_1_s": "train", "1_2_s": "train", "1_3_s": "validation", "2_1_s": "test",
    }  # fmt: skip
    assert [what for _, _, what in findings_of(tmp_path)] == [
        "4 photographs are used and the owner ships 591; the split is not that of papers"
    ]


def test_lists_of_any_case_with_blank_lines_and_other_suffixes_name_the_same_photographs(tmp_path):
    write(tmp_path, 4, suffix=".png")
    (tmp_path / "train.TXT").write_bytes(b"\xef\xbb\xbf1_1_s.bmp\r\n\r\n1_2_S.BMP  \r\n")
    (tmp_path / "VALIDATION.txt").write_text("\n1_3_s\n")
    (tmp_path / "Test.txt").write_text("Images/2_1_s.bmp")
    assert list(splits(msrc().samples(tmp_path)).values()) == ["train", "train", "validation", "test"]
    assert len(findings_of(tmp_path)) == 1


def test_what_is_wrong_with_the_lists_is_named(root):
    write_lists(root, {"Train.txt": ["1_1_s.bmp", "1_1_s.bmp", "9_9_s.bmp"]})
    found = findings_of(root)
    text = "\n".join(what for _, _, what in found)
    assert "9_9_s" in text
    assert "1_2_s" in text
    twice = [severity for severity, path, what in found if path == "Train.txt" and "1_1_s" in what]
    assert twice == ["warning"]
    assert splits(msrc().samples(root)) == {"1_1_s": "train", "1_3_s": "validation", "2_1_s": "test"}


def test_a_photograph_in_two_lists_stops_the_preparation(root):
    write_lists(root, {"Test.txt": ["2_1_s.bmp", "1_1_s.bmp"]})
    with pytest.raises(LayoutError, match="1_1_s"):
        msrc().samples(root)


def test_a_missing_list_stops_the_preparation_and_the_seeded_split_goes_on_without(root):
    (root / "Validation.txt").unlink()
    with pytest.raises(LayoutError, match=r"list of the validation photographs.*dataset\.protocol=seeded"):
        msrc().samples(root)
    assert Counter(splits(msrc(protocol="seeded").samples(root)).values()) == {"train": 2, "test": 2}


def test_without_lists_a_seeded_split_is_used_and_said_so(tmp_path):
    write(tmp_path, 46)
    found = findings_of(tmp_path)
    assert found[0][:2] == ("note", ".")
    assert "seed" in found[0][2]
    samples = msrc().samples(tmp_path)
    assert Counter(splits(samples).values()) == {"train": 21, "validation": 5, "test": 20}
    assert splits(msrc(protocol="seeded").samples(tmp_path)) == splits(samples)
    assert splits(msrc(protocol="seeded", fold=1).samples(tmp_path)) != splits(samples)
    assert len(findings_of(tmp_path, protocol="seeded")) == 1
    with pytest.raises(ConfigError, match="no fold 1 in the protocol 'customary'"):
        msrc(fold=1)


def test_a_seeded_split_has_every_class_in_every_part(tmp_path):
    """46 photographs of three classes each: every one of the 23 classes is in six."""
    dataset = msrc(protocol="seeded")
    shown = {"train": set(), "validation": set(), "test": set()}
    for sample in dataset.samples(write(tmp_path, 46)):
        shown[sample.split] |= set(np.unique(dataset.load(sample).targets[CLASS_MAP]).tolist()) - {VOID}
    assert shown["train"] == shown["test"] == set(range(23))
    assert len(shown["validation"]) >= 13, "five photographs of three classes show at most 15"


def test_the_whole_set_is_split_276_59_256(tmp_path):
    dataset = msrc()
    rgb = {number: CODE.to_colours(class_map_of(number)) for number in range(23 * 3)}
    for number in range(591):
        for folder, ending in (("Images", ""), ("GroundTruth", "_GT")):
            save(tmp_path / f"{folder}/{stem_of(number)}{ending}.bmp", rgb[number % len(rgb)])
    found = dataset.samples(tmp_path)
    assert Counter(splits(found).values()) == SHARES
    shown = {split: set() for split in SHARES}
    for sample in found:
        shown[sample.split] |= set(
            np.unique(dataset.target(sample, "owner", np.ones(rgb_shape(sample), bool))).tolist()
        )
    assert all(classes >= set(range(23)) for classes in shown.values())
    assert not [what for _, _, what in findings_of(tmp_path) if "owner ships" in what]


def rgb_shape(sample) -> tuple[int, int]:
    width, height = Image.open(sample.image).size
    return height, width


# --- labels that are missing, damaged or empty ------------------------------------------------------------------------


def test_missing_labels_and_photographs_and_strangers_are_named(root):
    (root / "GroundTruth/1_1_s_GT.bmp").unlink()
    (root / "Images/1_2_s.bmp").unlink()
    (root / "notes.txt").write_text("mine")
    save(root / "Images/sub/9_1_s.bmp", np.zeros((20, 20, 3)))
    found = {path: (severity, what) for severity, path, what in findings_of(root)}
    assert found["GroundTruth/1_1_s_GT.bmp"] == ("error", "label missing")
    assert found["Images/1_2_s.bmp"][0] == "error"
    assert "GroundTruth/1_2_s_GT.bmp" in found["Images/1_2_s.bmp"][1]
    assert found["notes.txt"][0] == "note"
    assert found["Images/sub/9_1_s.bmp"][0] == "warning"
    with pytest.raises(LayoutError, match="label missing"):
        msrc().samples(root)


def test_the_folder_above_names_the_one_to_use_and_a_strange_one_what_is_needed(root, tmp_path):
    with pytest.raises(LayoutError, match="--root.*MSRC instead"):
        msrc().samples(root.parent)
    (tmp_path / "strange/Images").mkdir(parents=True)
    with pytest.raises(LayoutError, match=r"layout of MSRC v2.*Images/1_1_s\.bmp"):
        msrc().samples(tmp_path / "strange")


def test_a_label_of_another_size_is_refused_naming_both(root):
    save(root / "GroundTruth/1_1_s_GT.bmp", np.zeros((30, 40, 3)))
    sample = msrc().samples(root)[0]
    with pytest.raises(ImageError, match=r"1_1_s\.bmp is 32x21 but 1_1_s_GT\.bmp is 40x30"):
        msrc().load(sample)


def test_unknown_colours_become_void_with_a_remark_that_survives_the_index(root):
    rgb = CODE.to_colours(class_map_of(0))
    rgb[0, :3] = (1, 2, 3)
    save(root / "GroundTruth/1_1_s_GT.bmp", rgb)
    case = msrc().load(msrc().samples(root)[0])
    assert case.remarks == ("3 pixels (0.4%) of 1 colour that no class has, taken as void",)
    assert (case.targets[CLASS_MAP][0, :3] == VOID).all()
    row = IndexRow("a", "a", None, "test", 1, 1, "i", "f", "owner", remarks=case.remarks)
    assert IndexRow.from_csv(row.to_csv()).remarks == case.remarks
    assert ("warning", case.remarks[0]) in [(each.severity, each.what) for each in msrc().check(root)]
    with pytest.raises(ImageError, match=r"dataset\.strict"):
        msrc(strict=True).load(case.sample)


def test_jpeg_copies_are_refused_with_the_option_that_reads_them(tmp_path):
    root = write(tmp_path, 4, suffix=".jpg")
    samples = msrc().samples(root)
    assert len(samples) == 4, "a damaged label does not stop the split"
    with pytest.raises(ImageError, match=r"colours that no class has.*dataset\.snap=24"):
        msrc().load(samples[0])
    case = msrc(snap=24, unknown=0.3).load(samples[0])
    found, truth = case.targets[CLASS_MAP], class_map_of(0)
    assert ((found == truth) | (found == VOID)).mean() > 0.9
    assert (found == truth).mean() > 0.75, "tiny labels are mostly border"


@pytest.mark.parametrize(("colour", "index"), [((128, 128, 128), NAMES.index("sky")), ((0, 0, 0), VOID)])
def test_a_label_of_one_grey_is_read_right_and_one_of_void_is_remarked_once(root, colour, index):
    save(root / "GroundTruth/1_1_s_GT.bmp", np.full((21, 32, 3), colour))
    case = msrc().load(msrc().samples(root)[0])
    assert (case.targets[CLASS_MAP] == index).all()
    assert case.remarks == ((ALL_VOID,) if index == VOID else ())
    warnings = [each.what for each in msrc().check(root) if each.severity == "warning"]
    assert warnings == ([ALL_VOID] if index == VOID else [])


def test_a_label_of_void_classes_alone_is_all_void(root):
    horse = MSRC.items[NAMES.index("horse")].colour
    save(root / "GroundTruth/1_1_s_GT.bmp", np.full((21, 32, 3), horse))
    assert msrc().load(msrc().samples(root)[0]).remarks == ()
    assert msrc(void=("horse",)).load(msrc().samples(root)[0]).remarks == (ALL_VOID,)


# --- the cleaned-up labels --------------------------------------------------------------------------------------------


def test_the_cleaned_up_labels_are_a_second_observer_pixel_by_pixel(tmp_path):
    write(tmp_path, 4, cleaned=True)
    other = class_map_of(0)[:, ::-1].copy()
    save_cleaned(tmp_path / "newsegmentations_mats/1_1_s_GT.mat", other)
    dataset = msrc()
    samples = dataset.samples(tmp_path)
    assert [list(sample.labels) for sample in samples] == [["owner", "cleaned"]] * 4
    case = dataset.load(samples[0])
    assert np.array_equal(case.targets[CLASS_MAP], class_map_of(0))
    assert np.array_equal(case.observers["cleaned"], other)
    assert not [each for each in dataset.check(tmp_path) if each.severity != "note"]


@pytest.mark.parametrize("left", [None, "GroundTruth_of_the_owner"])
def test_without_the_owners_labels_the_cleaned_up_ones_are_the_truth(tmp_path, left):
    write(tmp_path, 4, cleaned=True)
    if left:
        (tmp_path / "GroundTruth").rename(tmp_path / left)
    else:
        for path in (tmp_path / "GroundTruth").iterdir():
            path.unlink()
    dataset = msrc()
    for number, sample in enumerate(dataset.samples(tmp_path)):
        assert sample.reference == "cleaned"
        assert np.array_equal(dataset.load(sample).targets[CLASS_MAP], class_map_of(number))


def test_the_two_truths_are_never_mixed(tmp_path):
    write(tmp_path, 4, cleaned=True)
    (tmp_path / "GroundTruth/1_1_s_GT.bmp").unlink()
    with pytest.raises(LayoutError, match="label missing"):
        msrc().samples(tmp_path)
    (tmp_path / "newsegmentations_mats/1_2_s_GT.mat").unlink()
    assert ("warning", "newsegmentations_mats") in [found[:2] for found in findings_of(tmp_path)]


def test_a_cleaned_up_label_of_another_size_is_refused(tmp_path):
    write(tmp_path, 4, cleaned=True)
    save_cleaned(tmp_path / "newsegmentations_mats/1_1_s_GT.mat", class_map_of(1))
    with pytest.raises(ImageError, match=r"1_1_s_GT\.mat is 32x24"):
        msrc().load(msrc().samples(tmp_path)[0])
