"""What all published sets share, shown on a set of two photographs."""

from __future__ import annotations

from pathlib import Path

import pytest

from retseg.core.errors import LayoutError
from retseg.datasets.config import DatasetConfig
from retseg.datasets.published import Photograph, PublishedSet


class Duo(PublishedSet):
    name = "duo"
    title = "Duo"
    licence = homepage = credit = ""
    obtain = "Draw it."
    tree = "a.jpg b.jpg"
    observers = {"first": "the ground truth", "second": "another"}  # noqa: RUF012
    may_lack_labels = frozenset({"test"})

    @classmethod
    def marks(cls, root: Path) -> bool:
        return any((root / f"{name}.jpg").exists() for name in "ab")

    def photographs(self) -> list[Photograph]:
        return [
            Photograph(
                name,
                name,
                [f"{name}.jpg"],
                {o: [f"{o}/{name}.png"] for o in self.observers},
                split,
                None,
                [f"fov/{name}.png"],
            )
            for name, split in (("a", "train"), ("b", "test"))
        ]


@pytest.fixture
def duo(tmp_path, studio) -> Path:
    for name in "ab":
        studio.photograph(tmp_path / f"{name}.jpg")
        studio.mask(tmp_path / f"fov/{name}.png")
        for observer in Duo.observers:
            studio.label(tmp_path / f"{observer}/{name}.png")
    return tmp_path


def ask(**config):
    return Duo(DatasetConfig(**config))


def found_in(root, **config):
    findings = ask(**config).check(root)
    return [(f.severity, f.path.relative_to(root).as_posix(), f.what) for f in findings]


def test_a_whole_set_is_clean_and_complete(duo):
    assert found_in(duo) == []
    samples = ask().samples(duo)
    assert [(s.id, s.split, list(s.labels)) for s in samples] == [
        ("a", "train", ["first", "second"]),
        ("b", "test", ["first", "second"]),
    ]
    assert all(s.fov is not None for s in samples)


def test_every_missing_file_is_named_once(duo):
    for name in ("a.jpg", "first/a.png", "second/b.png", "fov/b.png"):
        (duo / name).unlink()
    assert [(severity, path) for severity, path, _ in found_in(duo)] == [
        ("error", "a.jpg"), ("error", "second/b.png"), ("error", "fov/b.png"),
    ]  # fmt: skip
    assert "photograph missing, and so are first/a.png" in found_in(duo)[0][2]


def test_a_missing_label_or_mask_stops_and_a_missing_photograph_or_second_observer_does_not(duo):
    (duo / "b.jpg").unlink()
    (duo / "second/a.png").unlink()
    assert [(s.id, list(s.labels)) for s in ask().samples(duo)] == [("a", ["first"])]
    (duo / "first/a.png").unlink()
    with pytest.raises(LayoutError, match=r"label of the observer first missing: .*first/a\.png"):
        ask().samples(duo)


def test_a_missing_mask_stops_unless_the_field_of_view_is_to_be_estimated(duo):
    (duo / "fov/a.png").unlink()
    with pytest.raises(LayoutError, match=r"mask missing.*dataset\.estimate_fov=true"):
        ask().samples(duo)
    assert ask(estimate_fov=True).samples(duo)[0].fov is None
    assert len(found_in(duo, estimate_fov=True)) == 1


def test_a_split_that_is_also_shipped_without_labels_is_noted_and_never_scored(duo):
    (duo / "first/b.png").unlink()
    assert [(severity, path) for severity, path, _ in found_in(duo)] == [("note", "test")]
    assert "not scored" in found_in(duo)[0][2]
    samples = ask().samples(duo)
    assert list(samples[1].labels) == [], "the second observer must not slip into the reference's place"


def test_a_split_that_never_comes_without_labels_stops(duo, monkeypatch):
    (duo / "first/b.png").unlink()
    monkeypatch.setattr(Duo, "may_lack_labels", frozenset())
    with pytest.raises(LayoutError, match=r"first/b\.png"):
        ask().samples(duo)


def test_extra_files_are_named(duo, studio):
    studio.photograph(duo / "c.jpg")
    (duo / "readme.txt").touch()
    assert [(severity, path) for severity, path, _ in found_in(duo)] == [("warning", "c.jpg"), ("note", "readme.txt")]


def test_the_wrong_folder_is_told_and_the_right_one_below_it_suggested(tmp_path, studio):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(LayoutError, match=r"the folder is empty.*a\.jpg b\.jpg.*retseg datasets show duo"):
        ask().samples(empty)
    (empty / "notes.txt").touch()
    with pytest.raises(LayoutError, match="does not have the layout of Duo"):
        ask().samples(empty)
    studio.photograph(tmp_path / "unpacked/a.jpg")
    with pytest.raises(LayoutError, match=rf"--root {tmp_path}/unpacked instead"):
        ask().samples(tmp_path)
    assert [f.severity for f in ask().check(tmp_path)] == ["error"]
