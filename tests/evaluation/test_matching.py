from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from retseg.core.errors import InputError
from retseg.evaluation.matching import match_maps, tokens

CHASE = [f"Image_{child}{eye}" for child in (11, 12, 13, 14) for eye in "LR"]
DRIVE = [f"{number:02d}" for number in range(1, 21)]
HRF = [f"{number:02d}_{group}" for group in ("h", "dr", "g") for number in range(6, 16)]
STARE = [f"im{number:04d}" for number in (1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240)]

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*names: str) -> Path:
        for name in names:
            path = tmp_path / "maps" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "maps"

    return made


def found(folder: Path, ids: list[str]) -> dict[str, str]:
    matching = match_maps(folder, ids)
    return {one: path.relative_to(folder).as_posix() for one, path in matching.found.items()}


def test_our_own_folder_counts_before_everything_else(make):
    names = [f"{kind}/{one}.png" for kind in ("prob", "mask", "overlay", "fov") for one in CHASE]
    folder = make(*names, *[f"classes/{one}.nii.gz" for one in CHASE], "old/Image_11L.npy")
    matching = match_maps(folder, CHASE)
    assert found(folder, CHASE) == {one: f"prob/{one}.png" for one in CHASE}
    assert matching.missing == matching.unused == ()
    assert matching.line == "8 of 8 photographs matched by exact name."


def test_ids_with_slashes_match_their_folders(make):
    folder = make("prob/left/a.png", "prob/right/a.png", "prob/a.png")
    ids = ["a", "left/a", "right/a"]
    assert found(folder, ids) == {one: f"prob/{one}.png" for one in ids}
    flat = make("flat/left_b.png", "flat/right-B_prob.png") / "flat"
    assert found(flat, ["left/b", "right/b"]) == {"left/b": "left_b.png", "right/b": "right-B_prob.png"}


def test_what_is_missing_in_our_folder_is_not_taken_from_elsewhere(make):
    folder = make("prob/Image_11L.png", "other/Image_11R.png")
    matching = match_maps(folder, ["Image_11L", "Image_11R"])
    assert matching.missing == ("Image_11R",)
    assert matching.line == "1 of 2 photographs matched by exact name; no map for Image_11R."


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff", "nii", "nii.gz", "npy", "npz", "bmp", "gif", "pgm", "PNG"])
def test_every_suffix(make, suffix: str):
    folder = make(f"deep/er/Image_11L.{suffix}")
    assert found(folder, ["Image_11L"]) == {"Image_11L": f"deep/er/Image_11L.{suffix}"}


@pytest.mark.parametrize(
    ("ids", "pattern"),
    [
        (CHASE, "{id}_prob.png"),
        (CHASE, "{id}.jpg.png"),
        (CHASE, "{id}_1stHO_pred.tif"),
        (CHASE, "pred_{id}.npy"),
        (CHASE, "prob-{id}-vessel.nii.gz"),
        (CHASE, "{id}/pred.png"),
        (CHASE, "unet_v2_{id}_fold3.png"),
        (DRIVE, "{id}_test.png"),
        (DRIVE, "{id}_test_prob.tif"),
        (DRIVE, "img_{id}.png"),
        (DRIVE, "{id}_manual1.gif"),
        (HRF, "{id}_seg.png"),
        (STARE, "{id}.ah.pgm"),
        (STARE, "wnet_{id}.npz"),
    ],
)
@pytest.mark.parametrize("change", [str, str.lower, str.upper])
def test_reasonable_names(make, ids: list[str], pattern: str, change: Callable[[str], str]):
    names = {one: change(pattern.format(id=one)) for one in ids}
    folder = make(*names.values())
    assert found(folder, ids) == names


@pytest.mark.parametrize(
    ("ids", "name"),
    [
        (CHASE, lambda one: one.removeprefix("Image_") + ".png"),
        (CHASE, lambda one: one.replace("_", "") + ".png"),
        (DRIVE, lambda one: f"{int(one)}.png"),
        (DRIVE, lambda one: f"pred_{int(one)}.png"),
        (STARE, lambda one: f"{int(one[2:])}.png"),
        (STARE, lambda one: f"{one[2:]}.png"),
        (HRF, lambda one: one.lstrip("0") + ".png"),
    ],
)
def test_numbers_as_they_stand(make, ids, name):
    names = {one: name(one) for one in ids}
    assert found(make(*names.values()), ids) == names


def test_the_line_counts_the_ways_and_the_files_left_over(make):
    folder = make(*(f"{number}.png" for number in range(1, 23)))
    matching = match_maps(folder, DRIVE)
    assert matching.line == (
        "20 of 20 photographs matched: 11 by exact name, 9 by number; 2 further files were not used."
    )
    assert [path.name for path in matching.unused] == ["21.png", "22.png"]


def test_an_exact_name_goes_before_others(make):
    folder = make("Image_11L.png", "Image_11L_bin.png", "IMAGE_11L.png")
    matching = match_maps(folder, ["Image_11L"])
    assert matching.found == {"Image_11L": folder / "Image_11L.png"}
    assert matching.line == "1 of 1 photographs matched by exact name; 2 further files were not used."


@pytest.mark.parametrize(
    "names",
    [
        ("Image_11L_prob.png", "Image_11L_bin.png"),
        ("Image_11L.png", "Image_11L.npy"),
        ("a/Image_11L.png", "b/Image_11L.png"),
        ("Image_11L_1stHO.png", "Image_11L_2ndHO.png"),
        ("net_Image_11L.png", "other_Image_11L.png"),
        ("11L.png", "11l.tif"),
    ],
)
def test_two_maps_of_one_photograph_are_refused_by_name(make, names):
    folder = make(*names)
    with pytest.raises(InputError) as caught:
        match_maps(folder, CHASE)
    assert caught.value.what == f"2 maps fit the photograph 'Image_11L' equally well: {', '.join(sorted(names))}"
    assert caught.value.fix
    assert str(folder) in caught.value.line


@pytest.mark.parametrize(
    ("ids", "name", "could"),
    [
        (HRF, "06_h_dr.png", "06_h, 06_dr"),
        (HRF, "06_h_07_h.png", "06_h, 07_h"),
        (["01", "1"], "001.png", "01, 1"),
        (["a", "a_test"], "a_test_prob.png", "a, a_test"),
    ],
)
def test_a_map_of_two_photographs_is_refused_by_name(make, ids, name, could):
    with pytest.raises(InputError) as caught:
        match_maps(make(name), ids)
    assert caught.value.what.startswith(f"the map {name} fits 2 photographs: {could}")
    assert "Name it exactly" in caught.value.line


@pytest.mark.parametrize(
    ("one", "name"),
    [
        ("im0001", "im0010.png"),
        ("im0001", "im00011.png"),
        ("1", "11.png"),
        ("01", "011.png"),
        ("01", "1_1.png"),
        ("11", "1_1.png"),
        ("Image_11L", "Image_11LR.png"),
        ("Image_11L", "Image_1_1L.png"),
        ("Image_11L", "Image_11R.png"),
        ("Image_11L", "Image_11L.jpg"),
        ("Image_11L", "Image_11L_fov.png"),
        ("Image_11L", "Image_11L_net_overlay.png"),
        ("Image_11L", ".Image_11L.png"),
        ("Image_11L", "fov/Image_11L.png"),
        ("Image_11L", "overlay/Image_11L.png"),
        ("01", "net_01_12.png"),
        ("01_h", "01_dr.png"),
        ("01_h", "01.png"),
        ("01", "unet2_01_3.png"),
        ("3", "0L_3.png"),
        ("3", "im0_3.png"),
    ],
)
def test_what_is_not_the_photograph_is_left_alone(make, one, name):
    folder = make(name, "something.png")
    matching = match_maps(folder, [one])
    assert not matching.found
    assert matching.missing == (one,)
    assert matching.line.startswith(f"0 of 1 photographs matched; no map for {one}; ")


def test_a_name_among_words_only_counts_where_nothing_else_matched(make):
    matching = match_maps(make("01.png", "epoch_02.png"), ["01", "02"])
    assert matching.missing == ("02",)


def test_links_in_a_circle_end(make):
    folder = make("Image_11L.png")
    (folder / "again").symlink_to(folder)
    assert found(folder, ["Image_11L"]) == {"Image_11L": "Image_11L.png"}


def test_bad_folders(make, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        match_maps(tmp_path / "nowhere", CHASE)
    folder = make("Image_11L.jpg")
    with pytest.raises(InputError, match="this is not a folder"):
        match_maps(folder / "Image_11L.jpg", CHASE)
    with pytest.raises(InputError, match="JPEG files, which do not keep their values.*16-bit PNG"):
        match_maps(folder, CHASE)
    assert match_maps(make("x/notes.txt") / "x", ["1"]).line == "0 of 1 photographs matched; no map for 1."


NUMBER = st.integers(0, 120)
IDS = st.lists(
    st.builds("{}{}{}".format, st.sampled_from(["", "im", "Image_"]), NUMBER, st.sampled_from(["", "L", "R", "_h"])),
    min_size=1,
    max_size=6,
    unique_by=str.lower,
)
BEFORE = st.sampled_from(["", "im", "IMAGE_", "net_"])
AFTER = st.sampled_from(["", "_prob", "_test", "-pred", "_net", ".v", "_h", "_dr", "_01", "_3"])
FILES = st.lists(
    st.builds("{}{}{}{}".format, BEFORE, NUMBER, st.sampled_from(["", "L", "r", "_h"]), AFTER),
    max_size=8,
    unique_by=str.lower,
)


def numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


@settings(max_examples=80, deadline=None)
@given(ids=IDS, files=FILES)
def test_numbers_are_never_taken_apart(tmp_path_factory, ids: list[str], files: list[str]):
    """Whatever is matched, a file's name has the numbers of the id and no others, and each file is used once."""
    folder = tmp_path_factory.mktemp("maps")
    for name in files:
        (folder / f"{name}.png").touch()
    try:
        matching = match_maps(folder, ids)
    except InputError:
        return
    for one, path in matching.found.items():
        assert numbers(path.stem) == numbers(one)
        assert one not in files or path.stem == one
    assert len(set(matching.found.values())) == len(matching.found)
    assert {*matching.found, *matching.missing} == set(ids)
    assert {*matching.found.values(), *matching.unused} == {folder / f"{name}.png" for name in files}


@settings(max_examples=80, deadline=None)
@given(ids=IDS, before=st.sampled_from(["", "pred_", "net_v2-", "run_7_"]), after=AFTER, gone=st.integers(0, 5))
def test_one_way_of_naming_never_mixes_photographs_up(tmp_path_factory, ids, before, after, gone):
    """Also where a map is missing and another photograph's would have to do."""
    folder = tmp_path_factory.mktemp("maps")
    names = {one: f"{before}{one}{after}.png" for one in ids}
    for one in ids[:gone] + ids[gone + 1 :]:
        (folder / names[one]).touch()
    # A map named exactly as another photograph says what it says.
    assume(not any(tokens(Path(names[one]).stem) == tokens(other) for one in ids for other in ids if one != other))
    try:
        found = match_maps(folder, ids).found
    except InputError:
        return
    assert all(path.name == names[one] for one, path in found.items())
