from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retseg.core.errors import ConfigError, ImageError, InputError, LayoutError
from retseg.core.types import CLASS_MAP, Classes, ClassInfo, Sample
from retseg.datasets.base import ANY_GREY, VESSELS, Dataset, Finding, Survey, VesselDataset
from retseg.datasets.config import DatasetConfig


class Pair(VesselDataset):
    """A set of one photograph, as another package would write it."""

    name = "pair"
    title = "Pair"
    licence = homepage = credit = ""
    obtain = "Draw it."

    @classmethod
    def marks(cls, root: Path) -> bool:
        return (root / "eye.png").exists()

    def survey(self, root: Path) -> Survey:
        fov = root / "fov.png"
        labels = {name: root / f"{name}.png" for name in ("first", "second") if (root / f"{name}.png").exists()}
        sample = Sample("eye", "p", root / "eye.png", labels=labels, fov=fov if fov.exists() else None)
        return Survey([sample])


@pytest.fixture
def eye(tmp_path, studio) -> Path:
    studio.photograph(tmp_path / "eye.png")
    studio.label(tmp_path / "first.png")
    studio.label(tmp_path / "second.png", white=1)
    studio.mask(tmp_path / "fov.png", mode="RGB")
    return tmp_path


def load(root: Path, kind: type[Dataset] = Pair, **config):
    dataset = kind(DatasetConfig(**config))
    return dataset.load(dataset.samples(root)[0])


def test_the_classes_are_those_of_drive_and_its_kin():
    assert VESSELS.names == ("outside the field of view", "vessel", "retina")
    assert (VESSELS.outside, VESSELS.positive, VESSELS.ignore) == (0, 1, 255)
    assert VESSELS.items[0].colour == (0, 0, 0)
    assert len({item.colour for item in VESSELS.items}) == 3


def test_the_class_map_is_the_label_inside_the_field_of_view_and_outside_beyond_it(eye, studio):
    case = load(eye)
    vessel, disc = studio.vessel(), studio.disc()
    expected = np.where(disc, np.where(vessel, 1, 2), 0)
    assert np.array_equal(case.targets[CLASS_MAP], expected)
    assert case.targets[CLASS_MAP].dtype == np.uint8
    assert (vessel & ~disc).any(), "the label must cross the edge for this test to mean anything"
    assert np.array_equal(case.observers["second"], expected)
    assert not case.fov_estimated


def test_the_owners_field_of_view_can_be_set_aside(eye):
    assert load(eye, estimate_fov=True).fov_estimated
    (eye / "fov.png").unlink()
    assert load(eye).fov_estimated


def test_without_labels_there_is_nothing_to_score(eye):
    (eye / "first.png").unlink()
    (eye / "second.png").unlink()
    case = load(eye)
    assert case.targets == {}
    assert case.observers == {}


@pytest.mark.parametrize("name", ["first.png", "second.png", "fov.png"])
def test_files_of_different_sizes_are_both_named_with_their_sizes(eye, studio, name):
    studio.label(eye / name, shape=(40, 56))
    with pytest.raises(ImageError, match=rf"eye\.png is 64x48 but {name} is 56x40"):
        load(eye)


def test_a_label_with_seven_grey_values_is_refused_and_its_values_listed(eye, studio):
    studio.grey_label(eye / "first.png", values=7)
    with pytest.raises(ImageError, match=r"7 grey values: 0, 42, 85, .*Save the label"):
        load(eye)


def test_an_owner_whose_labels_hold_grey_is_read_at_127(eye, studio):
    class Grey(Pair):
        label_encoding = ANY_GREY

    studio.grey_label(eye / "first.png", values=7)
    vessel = load(eye, Grey).targets[CLASS_MAP] == VESSELS.positive
    row = vessel[24, :7]
    # 0 42 85 127 170 212 255, and the first columns of the disc lie outside the field of view.
    assert not row[:4].any()
    studio.grey_label(eye / "first.png", values=60)
    inside = np.flatnonzero((load(eye, Grey).targets[CLASS_MAP] == VESSELS.positive)[24])
    levels = np.linspace(0, 255, 60).astype(np.uint8)
    assert np.array_equal(inside, [i for i in range(60) if levels[i] > 127 and studio.disc()[24, i]])


def test_an_all_black_photograph_is_refused_whether_or_not_the_owner_ships_a_mask(eye, studio):
    from PIL import Image

    studio.save(eye / "eye.png", Image.new("RGB", (64, 48)))
    with pytest.raises(ImageError, match="all black"):
        load(eye)
    (eye / "fov.png").unlink()
    with pytest.raises(ImageError, match=r"eye\.png"):
        load(eye)


def test_a_photograph_of_one_pixel_is_refused(eye, studio):
    from PIL import Image

    studio.save(eye / "eye.png", Image.new("RGB", (1, 1), "white"))
    with pytest.raises(ImageError, match="1x1"):
        load(eye)


def test_an_empty_field_of_view_is_refused(eye, studio):
    from PIL import Image

    studio.save(eye / "fov.png", Image.new("L", (64, 48)))
    with pytest.raises(ImageError, match=r"mask is empty.*estimate_fov"):
        load(eye)


def test_an_estimate_that_fails_names_the_photograph(eye, monkeypatch):
    import retseg.imaging.fov

    def refuse(image):
        raise ImageError("no retina visible", fix="Remove the photograph")

    monkeypatch.setattr(retseg.imaging.fov, "estimate_fov", refuse)
    with pytest.raises(ImageError, match=r"no retina visible: .*eye\.png"):
        load(eye, estimate_fov=True)


def test_a_set_without_a_class_for_the_outside_counts_every_pixel(eye):
    class Scene(Pair):
        classes = Classes("scene", (ClassInfo("sky", (0, 0, 255)), ClassInfo("tree", (0, 255, 0))))

        def target(self, sample, observer, fov):
            return self.vessel(sample, observer).astype(np.uint8)

    case = load(eye, Scene)
    assert case.fov.all()
    assert not case.fov_estimated
    assert set(np.unique(case.targets[CLASS_MAP])) == {0, 1}


def test_an_unknown_protocol_names_those_allowed():
    with pytest.raises(ConfigError, match=r"no protocol 'custmary'.*customary"):
        Pair(DatasetConfig(protocol="custmary"))


def test_options_that_the_set_would_ignore_are_refused():
    with pytest.raises(ConfigError, match=r"no fold 3.*dataset\.fold at 0"):
        Pair(DatasetConfig(fold=3))
    with pytest.raises(ConfigError, match=r"dataset\.csv.*--dataset folder"):
        Pair(DatasetConfig(csv="table.csv"))


def test_a_set_that_is_not_generated_says_how_to_get_it(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be generated.*Draw it\."):
        Pair(DatasetConfig()).generate(tmp_path)


def test_missing_roots_and_files_in_their_place_are_told_apart(tmp_path, eye):
    dataset = Pair(DatasetConfig())
    for ask in (dataset.samples, dataset.check):
        with pytest.raises(InputError, match="folder not found"):
            ask(tmp_path / "missing")
        with pytest.raises(InputError, match="this is a file"):
            ask(eye / "eye.png")


def test_everything_that_blocks_is_named_in_one_error(tmp_path):
    class Broken(Pair):
        def survey(self, root: Path) -> Survey:
            wrong = [Finding("error", root / f"{n}.png", "label missing", "Fetch it", blocks=True) for n in range(9)]
            return Survey((), [*wrong, Finding("error", root / "x.png", "photograph missing", "Fetch it")])

    with pytest.raises(LayoutError, match=r"9 files .*label missing \(0\.png\).* and 4 more.*Fetch it") as caught:
        Broken(DatasetConfig()).samples(tmp_path)
    assert "x.png" not in str(caught.value)
    assert len(Broken(DatasetConfig()).check(tmp_path)) == 10
