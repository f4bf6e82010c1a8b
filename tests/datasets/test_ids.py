from __future__ import annotations

import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from retseg.datasets.ids import photograph_ids

ROOT = Path("photos")


def ids_of(*names: str) -> dict[str, str]:
    found = photograph_ids(ROOT, [ROOT / name for name in names])
    return {path.relative_to(ROOT).as_posix(): name for path, name in found.items()}


def test_an_id_is_the_relative_path_without_its_suffix():
    assert ids_of("a.jpg", "left/a.jpg", "right/a.jpg", "im0001.ah.ppm.gz") == {
        "a.jpg": "a",
        "left/a.jpg": "left/a",
        "right/a.jpg": "right/a",
        "im0001.ah.ppm.gz": "im0001.ah",
    }


def test_photographs_that_would_share_an_id_keep_their_suffixes():
    assert ids_of("a.jpg", "a.png", "b.png") == {"a.jpg": "a.jpg", "a.png": "a.png", "b.png": "b"}


def test_letter_case_and_the_encoding_of_accents_do_not_tell_files_apart():
    assert ids_of("A.jpg", "a.png") == {"A.jpg": "A.jpg", "a.png": "a.png"}
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    assert set(ids_of(f"{composed}.jpg", f"{decomposed}.png").values()) == {f"{composed}.jpg", f"{decomposed}.png"}


def test_a_kept_suffix_may_clash_in_turn():
    assert ids_of("a.jpg", "a.png", "a.jpg.png") == {
        "a.jpg": "a.jpg",
        "a.png": "a.png",
        "a.jpg.png": "a.jpg.png",
    }


def test_names_that_differ_in_case_alone_get_a_number():
    assert ids_of("A.jpg", "a.jpg") == {"A.jpg": "A.jpg", "a.jpg": "a.jpg-2"}


def test_an_id_never_leads_out_of_the_folder_of_results():
    found = photograph_ids(ROOT, [Path("elsewhere/a.jpg"), ROOT / "../b.jpg", Path("/mnt/c.jpg")])
    assert sorted(found.values()) == ["a", "b", "c"]


_NAMES = st.lists(st.sampled_from(["a", "A", "b", "a.jpg", "a.png", "sub/a", "SUB/a", "a.jpg-2"]), max_size=8)


@given(_NAMES, st.data())
def test_ids_are_distinct_on_a_disk_that_ignores_case_and_do_not_depend_on_order(stems, data):
    names = {stem + data.draw(st.sampled_from([".jpg", ".png", ".JPG", ".tif.gz"])) for stem in stems}
    paths = [ROOT / name for name in names]
    found = photograph_ids(ROOT, paths)
    assert len({name.casefold() for name in found.values()}) == len(paths)
    assert found == photograph_ids(ROOT, reversed(paths))
