"""What every registered dataset must do, on files written in its owner's exact layout.

A new dataset adds one line to `LAYOUTS`: how to write a small set of its kind.
"""

from __future__ import annotations

import gzip
import io
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ConfigError, ImageError, InputError, LayoutError
from retseg.core.types import CLASS_MAP, INSTANCES, Sample
from retseg.datasets.base import ANY_GREY, Dataset
from retseg.datasets.config import DatasetConfig
from retseg.datasets.published import Photograph, PublishedSet
from retseg.datasets.registry import DATASETS, GENERATED, find_datasets
from retseg.datasets.splits import SPLITS, TEST, TRAIN, VALIDATION, shared_patients
from retseg.datasets.synthetic.layouts import write_layout
from retseg.datasets.tree import Tree
from retseg.imaging.io import image_size, plain_stem

LOOK_ALIKES = {
    "synthetic-msrc": "msrc",
    "synthetic-stanford": "stanford-background",
    "synthetic-pedestrians": "penn-fudan",
}
"""Generated sets and the published ones that they look like."""

CONFIGS = {
    GENERATED: DatasetConfig(count=4, size="demo"),
    **dict.fromkeys(LOOK_ALIKES, DatasetConfig(count=12, size="demo")),
    "joined": DatasetConfig(members=("hrf",)),
}
"""The configuration of sets that need another one than the default."""


def publish(name: str, root: Path, count: int, scale: float) -> None:
    """A few generated photographs in the owner's layout, and copies of them under all other names of the set."""
    write_layout(name, root, count=count, scale=scale)
    dataset = make(name)
    assert isinstance(dataset, PublishedSet)
    donors = {}
    for photograph in (photographs := dataset.photographs()):
        if (files := files_of(photograph, root))[0][1] is not None:
            donors[photograph.split] = files
    for photograph in photographs:
        for (wanted, there), (names, source) in zip(files_of(photograph, root), donors[photograph.split], strict=True):
            if there is None and source is not None:
                relative = source.relative_to(root).as_posix().lower()
                shutil.copy(source, root / wanted[[name.lower() for name in names].index(relative)])


def files_of(photograph: Photograph, root: Path) -> list[tuple[Sequence[str], Path | None]]:
    """The candidate names of each of a photograph's files, and the file that is there."""
    tree = Tree(root)
    return [(names, tree.take(names)) for names in (photograph.image, photograph.fov, *photograph.labels.values())]


def rearrange(chase: Path, root: Path) -> None:
    """CHASE_DB1's files as people keep their own: labels in sub-folders, under the photographs' names."""
    for path in chase.iterdir():
        stem, _, observer = path.stem.rpartition("_")
        labels = {"1stHO": f"labels/{stem}.png", "2ndHO": f"labels2/{stem}.png"}
        place = root / labels.get(observer, path.name).replace("Image", "eye")
        place.parent.mkdir(exist_ok=True)
        shutil.copy(path, place)


def number(penn_fudan: Path, root: Path) -> None:
    """Penn-Fudan's files as a folder with classes.yaml: the class in one image, who is who in another."""
    for path in sorted((penn_fudan / "PNGImages").iterdir()):
        with Image.open(penn_fudan / "PedMasks" / f"{path.stem}_mask.png") as mask:
            ids = np.array(mask)
        for folder, pixels in (("labels", np.where(ids > 0, 7, 0)), ("instances", ids)):
            (root / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(root / folder / path.name)
        (root / "images").mkdir(exist_ok=True)
        shutil.copy(path, root / "images" / path.name)
    (root / "classes.yaml").write_text(
        "classes:\n"
        "  - {name: street, colour: [0, 0, 128], index: 0}\n"
        "  - {name: person, colour: [255, 0, 0], index: 7, instances: true}\n"
    )


LAYOUTS: dict[str, Callable[[Path, Callable[[str], Path]], object]] = {
    "drive": lambda root, _: publish("drive", root, 2, 0.15),
    "chase": lambda root, _: publish("chase", root, 4, 0.1),
    "stare": lambda root, _: publish("stare", root, 2, 0.15),
    "hrf": lambda root, _: publish("hrf", root, 2, 0.03),
    "folder": lambda root, other: rearrange(other("chase"), root),
    "msrc": lambda root, _: write_layout("msrc", root, count=24, scale=0.3),
    "stanford-background": lambda root, _: write_layout("stanford-background", root, count=12, scale=0.3),
    "penn-fudan": lambda root, _: write_layout("penn-fudan", root, count=12, scale=0.3),
    "indexed": lambda root, other: number(other("penn-fudan"), root),
    "joined": lambda root, other: shutil.copytree(other("hrf"), root, dirs_exist_ok=True),
    **{name: lambda root, _, name=name: make(name).generate(root) for name in (GENERATED, *LOOK_ALIKES)},
}
"""How to write each set, given its root and the roots of others."""

pytestmark = pytest.mark.parametrize("name", DATASETS.names())


def make(name: str, **change: object) -> Dataset:
    return DATASETS.get(name)(CONFIGS.get(name, DatasetConfig()).model_copy(update=change))


def at(name: str, root: Path) -> Dataset:
    """The set as it is in a folder, which may say what its classes are."""
    return make(name).at(root)


@pytest.fixture(autouse=True)
def _nothing_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No set lies in its usual place, where members of a joined set are looked for too."""
    monkeypatch.delenv("RETSEG_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The root of each set, written once. Tests that damage it take a copy."""
    roots: dict[str, Path] = {}

    def root_of(name: str) -> Path:
        if name not in roots:
            roots[name] = tmp_path_factory.mktemp(name)
            LAYOUTS[name](roots[name], root_of)
        return roots[name]

    return root_of


@pytest.fixture
def root(name: str, written: Callable[[str], Path]) -> Path:
    return written(name)


@pytest.fixture
def copy(name: str, root: Path, tmp_path: Path) -> Path:
    """A few photographs of each split, to be damaged: the set is incomplete then, and still one to work with."""
    samples = make(name).samples(root)
    few = [s for split in SPLITS for s in [s for s in samples if s.split == split][:3]]
    others = [s for s in samples if s not in few]
    surplus = {path for s in others for path in (s.image, s.fov, *s.labels.values()) if path is not None}
    # What belongs to a photograph without being its label, such as an id map, has its name.
    stems = tuple(plain_stem(s.image) + mark for s in others for mark in "._")
    surplus |= {path for path in root.rglob("*") if path.is_file() and path.name.startswith(stems)}
    return Path(shutil.copytree(root, tmp_path / "copy", ignore=lambda folder, _: _names_in(folder, surplus)))


def _names_in(folder: str, paths: set[Path]) -> list[str]:
    return [path.name for path in paths if path.parent == Path(folder)]


def found_at(name: str, root: Path) -> dict[Path, str]:
    """What `check` says about each file, notes aside."""
    return {f.path: f.what for f in at(name, root).check(root) if f.severity != "note"}


def test_describes_itself(name: str) -> None:
    kind = DATASETS.get(name)
    assert kind.name == name
    for text in (kind.title, kind.licence, kind.obtain, kind.tree):
        assert text.strip()
    assert "customary" in kind.protocols
    assert set(kind.folds) <= set(kind.protocols)
    assert kind.observers
    assert kind.classes.count >= 2
    assert kind.generated == (name in (GENERATED, *LOOK_ALIKES))


def test_the_class_table_is_consistent(name: str, root: Path) -> None:
    classes = at(name, root).classes
    assert len(set(classes.names)) == classes.count
    assert len({item.colour for item in classes.items}) == classes.count
    assert not 0 <= classes.ignore < classes.count
    assert {*classes.things, classes.positive, classes.outside} - {None} <= set(range(classes.count))
    assert classes.subject.strip()
    assert type(classes).from_json(classes.to_json()) == classes


def test_samples_are_the_same_every_time_with_safe_and_distinct_ids(name: str, root: Path) -> None:
    samples = make(name).samples(root)
    assert samples == make(name).samples(root)
    assert len({sample.id.casefold() for sample in samples}) == len(samples)
    for sample in samples:
        assert sample.image.is_file()
        assert not Path(sample.id).is_absolute()
        assert ".." not in Path(sample.id).parts
        assert all(path.is_file() for path in sample.labels.values())
        assert sample.fov is None or sample.fov.is_file()


def test_every_split_of_every_protocol_is_by_patient(name: str, root: Path) -> None:
    for protocol in make(name).protocols:
        folds = make(name).folds.get(protocol, 1) or 3
        for fold in {0, folds // 2, folds - 1}:
            samples = make(name, protocol=protocol, fold=fold).samples(root)
            assert not shared_patients(samples)
            assert {sample.split for sample in samples} - {VALIDATION} == {TRAIN, TEST}
            assert len({s.id for s in samples}) == len(make(name).samples(root))


def test_the_reference_is_the_first_observer_declared(name: str, root: Path) -> None:
    for sample in make(name).samples(root):
        observers = list(DATASETS.get(sample.origin[0] if sample.origin else name).observers)
        assert list(sample.labels) == observers[: len(sample.labels)]


def test_cases_have_the_agreed_shapes_and_types(name: str, root: Path) -> None:
    dataset = at(name, root)
    samples = dataset.samples(root)
    for split in sorted({sample.split for sample in samples}):
        case = dataset.load(next(s for s in samples if s.split == split and s.labels))
        height, width = case.image.shape[:2]
        assert case.image.dtype == np.uint8
        assert case.image.shape == (height, width, 3)
        assert (case.fov.dtype, case.fov.shape) == (np.bool_, (height, width))
        assert case.fov.any()
        for class_map in (case.targets[CLASS_MAP], *case.observers.values()):
            assert (class_map.dtype, class_map.shape) == (np.uint8, (height, width))
            assert set(np.unique(class_map)) <= {*range(dataset.classes.count), dataset.classes.ignore}
            assert (class_map != dataset.classes.ignore).any()
            if dataset.classes.outside is None:
                assert case.fov.all()
            else:
                assert np.array_equal(class_map == dataset.classes.outside, ~case.fov)
        if dataset.classes.positive is not None:
            assert (case.targets[CLASS_MAP] == dataset.classes.positive).any()


def test_instances_are_the_things_of_the_class_map(name: str, root: Path) -> None:
    dataset = at(name, root)
    for sample in dataset.samples(root)[:4]:
        case = dataset.load(sample)
        assert (INSTANCES in case.targets) == bool(dataset.classes.things)
        if INSTANCES in case.targets:
            ids, class_map = case.targets[INSTANCES], case.targets[CLASS_MAP]
            assert (ids.dtype, ids.shape) == (np.uint16, class_map.shape)
            assert np.array_equal(ids > 0, np.isin(class_map, dataset.classes.things))
            for number in np.unique(ids[ids > 0]):
                assert len(np.unique(class_map[ids == number])) == 1, "a thing has one class"


def test_the_owners_layout_is_clean(name: str, root: Path) -> None:
    assert found_at(name, root) == {}


def test_discovery_finds_published_sets_and_claims_no_others(name: str, root: Path) -> None:
    unclaimed = name == "folder" or DATASETS.get(name).generated
    # A set that is made of others has no layout of its own: its members are found.
    names = make(name).config.members or (() if unclaimed else (name,))
    expected = dict.fromkeys(names, root)
    assert find_datasets(root) == expected
    assert find_datasets(root.parent).get(name) == expected.get(name)


def test_an_unknown_protocol_names_those_allowed(name: str) -> None:
    with pytest.raises(ConfigError, match="customary"):
        make(name, protocol="nonsense")


def test_missing_and_empty_folders_are_clear_errors(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        make(name).samples(tmp_path / "missing")
    with pytest.raises(LayoutError, match="the folder is empty"):
        make(name).samples(tmp_path)
    assert [finding.severity for finding in make(name).check(tmp_path)] == ["error"]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(path: Path, image: Image.Image) -> None:
    """Another image under the same name, in the same file format; a label in words gets its numbers."""
    if path.suffix == ".txt":
        np.savetxt(path, np.array(image), fmt="%d")
        return
    packed = path.suffix == ".gz"
    data = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    with Image.open(io.BytesIO(data)) as before:
        kind = before.format
    buffer = io.BytesIO()
    image.save(buffer, kind)
    path.write_bytes(gzip.compress(buffer.getvalue()) if packed else buffer.getvalue())


def black(path: Path) -> None:
    height, width = image_size(path)
    overwrite(path, Image.new("RGB", (width, height)))


def grey(path: Path) -> None:
    """Seven grey values, 0 and 255 among them."""
    values = np.zeros(np.loadtxt(path).shape if path.suffix == ".txt" else image_size(path), np.uint8)
    values[values.shape[0] // 2, :7] = np.linspace(0, 255, 7)
    overwrite(path, Image.fromarray(values))


DAMAGE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a truncated photograph": ("image", truncate, ""),
    "a file that is no image": ("image", lambda path: path.write_text("no image"), ""),
    "an empty photograph": ("image", lambda path: path.write_bytes(b""), ""),
    "an all-black photograph": ("image", black, "black"),
    "a photograph of one pixel": ("image", lambda path: overwrite(path, Image.new("RGB", (1, 1))), "1x1"),
    "a label of another size": ("label", lambda path: overwrite(path, Image.new("L", (40, 50))), "40x50"),
    "a truncated label": ("label", truncate, ""),
    "a second observer's label of another size": ("second", lambda p: overwrite(p, Image.new("L", (40, 50))), "40x50"),
    "a field of view of another size": ("fov", lambda path: overwrite(path, Image.new("L", (40, 50))), "40x50"),
    "an unreadable field of view": ("fov", lambda path: path.write_bytes(b""), ""),
    "an empty field of view": ("fov", black, "empty"),
}


def file_of(kind: str, samples: list[Sample]) -> tuple[Sample, Path] | None:
    """The first sample that has a file of a kind, and the file."""
    for sample in samples:
        files = {"image": sample.image, "fov": sample.fov}
        files |= dict(zip(("label", "second"), sample.labels.values(), strict=False))
        if (path := files.get(kind)) is not None:
            return sample, path
    return None


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_at_its_file_and_that_photograph_is_refused(name: str, damage: str, copy: Path) -> None:
    kind, inflict, words = DAMAGE[damage]
    found = file_of(kind, make(name).samples(copy))
    if found is None:
        assert kind in ("second", "fov"), "every set has photographs and labels"
        return
    sample, path = found
    inflict(path)
    findings = found_at(name, copy)
    assert path in findings
    assert words in findings[path]
    with pytest.raises(ImageError, match=re.escape(path.name)):
        at(name, copy).load(sample)
    others = [s for s in make(name).samples(copy) if s.id != sample.id]
    assert at(name, copy).load(others[0]).fov.any()


def test_grey_labels_are_refused_except_from_owners_that_ship_them(name: str, copy: Path) -> None:
    sample, path = file_of("label", make(name).samples(copy)) or pytest.fail("no label")
    grey(path)
    if getattr(DATASETS.get(name), "label_encoding", ANY_GREY) is ANY_GREY:
        assert "grey" not in found_at(name, copy).get(path, "")
    else:
        assert "7 grey values" in found_at(name, copy)[path]
        with pytest.raises(ImageError, match="7 grey values"):
            at(name, copy).load(sample)


def test_all_damage_is_named_in_one_go(name: str, copy: Path) -> None:
    first, second, third = [s for s in make(name).samples(copy) if s.labels][:3]
    truncate(first.image)
    truncate(second.labels[str(second.reference)])
    black(third.image)
    assert {first.image, second.labels[str(second.reference)], third.image} <= set(found_at(name, copy))


def test_a_missing_label_stops_and_is_named(name: str, copy: Path) -> None:
    training = [s for s in make(name).samples(copy) if s.split == TRAIN]
    sample, path = file_of("label", training) or pytest.fail("no label")
    path.unlink()
    if name == "folder":
        # There a photograph without a label is nothing unusual; it only must not get the second observer's.
        assert next(s for s in make(name).samples(copy) if s.id == sample.id).labels == {}
        return
    found = {plain_stem(where): what for where, what in found_at(name, copy).items()}
    assert "missing" in found[plain_stem(path)]
    with pytest.raises(LayoutError, match=re.escape(plain_stem(path))):
        make(name).samples(copy)


def test_a_missing_photograph_is_named_and_the_others_go_on(name: str, copy: Path) -> None:
    samples = make(name).samples(copy)
    samples[1].image.unlink()
    names = {plain_stem(path) for path in found_at(name, copy)}
    assert plain_stem(samples[1].image) in names
    assert [s.id for s in make(name).samples(copy)] == [s.id for s in samples if s != samples[1]]


def test_an_extra_image_is_named(name: str, copy: Path) -> None:
    extra = copy / "Untitled.png"
    Image.new("RGB", (64, 48), "red").save(extra)
    samples = make(name).samples(copy)
    if name == "folder":
        assert extra in [sample.image for sample in samples]
    else:
        assert extra in found_at(name, copy)
        assert extra not in [sample.image for sample in samples]


def test_newer_downloads_without_test_labels_are_noted_and_not_scored(name: str, root: Path, tmp_path: Path) -> None:
    dataset = make(name)
    if not getattr(dataset, "may_lack_labels", ()):
        return
    copy = Path(shutil.copytree(root, tmp_path / "copy"))
    for sample in dataset.samples(copy):
        for path in sample.labels.values() if sample.split == TEST else ():
            path.unlink()
    assert found_at(name, copy) == {}
    assert any(f.severity == "note" and "not scored" in f.what for f in dataset.check(copy))
    test = [s for s in dataset.samples(copy) if s.split == TEST]
    assert test
    assert all(not s.labels for s in test)
    assert dataset.load(test[0]).targets == {}
