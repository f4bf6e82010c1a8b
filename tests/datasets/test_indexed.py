from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import ConfigError, ImageError, InputError, LayoutError
from retseg.datasets.config import DatasetConfig
from retseg.datasets.indexed import Indexed
from retseg.datasets.prepared import PreparedSet, save_case, write_index
from retseg.datasets.registry import find_datasets

SHAPE = (24, 32)
COLOURS = np.zeros((256, 3), np.uint8)
COLOURS[:3] = [(128, 128, 128), (0, 128, 0), (255, 0, 0)]
YAML = """\
name: my-scenes
void: [0, 0, 0]
classes:
  - {name: sky, colour: [128, 128, 128]}
  - {name: grass, colour: [0, 128, 0]}
  - {name: person, colour: [255, 0, 0], instances: true}
"""


def class_map(person: bool = True) -> np.ndarray:
    """Sky over grass, two people who touch, and a void corner."""
    drawn = np.zeros(SHAPE, np.uint8)
    drawn[12:] = 1
    if person:
        drawn[6:18, 8:16] = 2
    drawn[:4, :4] = 255
    return drawn


def ids() -> np.ndarray:
    numbers = np.zeros(SHAPE, np.uint8)
    numbers[6:18, 8:12], numbers[6:18, 12:16] = 1, 2
    return numbers


def scenes_at(root, studio, names="abcdefgh", *, kind="index", instances=True, yaml=YAML):
    root.mkdir(parents=True, exist_ok=True)
    (root / "classes.yaml").write_text(yaml)
    for name in names:
        studio.photograph(root / f"images/{name}.jpg", SHAPE)
        drawn = class_map()
        studio.save(root / f"labels/{name}.png", Image.fromarray(drawn if kind == "index" else COLOURS[drawn]))
        if instances:
            studio.save(root / f"instances/{name}.png", Image.fromarray(ids()))
    return root


def ask(root, **config):
    return Indexed(DatasetConfig(**config)).at(root)


def found_in(root, **config):
    return {f.path.relative_to(root).as_posix(): f.what for f in ask(root, **config).check(root)}


def relabel(root, name, drawn):
    Image.fromarray(drawn).save(root / f"labels/{name}.png")


@pytest.mark.parametrize("kind", ["index", "colour"])
def test_both_kinds_of_labels_are_found_out_and_give_the_same_class_map(tmp_path, studio, kind):
    root = scenes_at(tmp_path, studio, kind=kind)
    dataset = ask(root)
    case = dataset.load(dataset.samples(root)[0])
    assert dataset.classes.names == ("sky", "grass", "person")
    assert np.array_equal(case.targets["classes"], class_map())
    assert np.array_equal(case.targets["instances"], ids())
    assert (case.targets["classes"].dtype, case.targets["instances"].dtype) == (np.uint8, np.uint16)
    assert dataset.classes.things == (2,)
    assert case.fov.all()
    assert case.remarks == ()
    assert found_in(root) == {}


def test_palette_images_are_read_by_whichever_of_number_and_colour_fits(tmp_path, studio):
    root = scenes_at(tmp_path, studio)
    for name, colours in (("a", COLOURS[::-1]), ("b", COLOURS)):
        image = Image.fromarray(class_map(), "P")
        image.putpalette(colours.tobytes())
        image.save(root / f"labels/{name}.png")
    dataset = ask(root)
    first, second = dataset.samples(root)[:2]
    assert np.array_equal(dataset.load(first).targets["classes"], class_map()), "colours of no class: numbers count"
    assert np.array_equal(dataset.load(second).targets["classes"], class_map())
    shuffled = np.array([2, 0, 1, *range(3, 256)], np.uint8)
    by_colour = Image.fromarray(shuffled[class_map()] + np.uint8(40) * (class_map() < 3), "P")
    palette = np.zeros((256, 3), np.uint8)
    palette[[42, 40, 41]] = COLOURS[:3]
    by_colour.putpalette(palette.tobytes())
    for name in "abcdefgh":
        by_colour.save(root / f"labels/{name}.png")
    dataset = ask(root)
    assert np.array_equal(dataset.load(dataset.samples(root)[0]).targets["classes"], class_map())


def test_numbers_of_the_yaml_count_and_the_kind_may_be_said(tmp_path, studio):
    yaml = YAML.replace("255, 0, 0]", "255, 0, 0], index: 300").replace("void", "labels: index\nvoid")
    yaml = yaml.replace("[0, 0, 0]", "77")
    root = scenes_at(tmp_path, studio, yaml=yaml)
    raw = class_map().astype(np.uint16)
    raw[class_map() == 2], raw[class_map() == 255] = 300, 77
    for name in "abcdefgh":
        relabel(root, name, raw)
    dataset = ask(root)
    assert np.array_equal(dataset.load(dataset.samples(root)[0]).targets["classes"], class_map())


def test_every_class_is_in_every_part_and_folds_deal_anew(tmp_path, studio):
    root = scenes_at(tmp_path, studio, "abcdefghijklmnopqrst")
    for name in "abcdefghijklmnopq":
        relabel(root, name, class_map(person=False))
    deals = []
    for fold in range(4):
        samples = ask(root, fold=fold).samples(root)
        splits = [sample.split for sample in samples]
        assert [splits.count(name) for name in ("train", "validation", "test")] == [12, 3, 5]
        assert {sample.split for sample in samples if sample.id in "rst"} == {"train", "validation", "test"}
        assert samples == ask(root, fold=fold).samples(root)
        deals.append(tuple(splits))
    assert len(set(deals)) > 1


def test_a_changed_label_is_seen_by_the_next_survey(tmp_path, studio):
    root = scenes_at(tmp_path, studio, "abcd")
    dataset = ask(root)
    dataset.survey(root)
    before = dict(dataset._seen)
    relabel(root, "a", np.zeros(SHAPE, np.uint8))
    dataset.survey(root)
    assert set(dataset._seen.values()) == {frozenset({0, 1, 2}), frozenset({0})}
    assert len(dataset._seen) == len(before) + 1
    assert pickle.loads(pickle.dumps(dataset))._seen == {}


def test_lists_say_the_split(tmp_path, studio):
    root = scenes_at(tmp_path, studio, "abcde")
    (root / "train.txt").write_text("a\nimages/B.jpg  # the second\n\n")
    (root / "val.txt").write_text("c.png\n")
    (root / "test.txt").write_text("d\nmissing\n")
    samples = ask(root).samples(root)
    assert {s.id: s.split for s in samples} == {"a": "train", "b": "train", "c": "validation", "d": "test"}
    found = found_in(root)
    assert "missing" in found["test.txt"]
    assert "in no list, so not used: e" in found["train.txt"]


def test_a_photograph_in_two_lists_is_refused(tmp_path, studio):
    root = scenes_at(tmp_path, studio, "abc")
    (root / "train.txt").write_text("a\nb\n")
    (root / "test.txt").write_text("b\nc\n")
    with pytest.raises(LayoutError, match=r"'b' stands in train\.txt and in test\.txt"):
        ask(root).samples(root)


def test_sub_folders_say_the_split(tmp_path, studio):
    root = scenes_at(tmp_path, studio, ["Train/a", "val/a", "test/deep/a", "test/b", "other/c"])
    samples = ask(root).samples(root)
    assert {s.id: s.split for s in samples} == {
        "Train/a": "train", "val/a": "validation", "test/deep/a": "test", "test/b": "test",
    }  # fmt: skip
    assert "not used: other/c" in found_in(root)["images"]


def test_void_classes_leave_the_table_and_take_their_instances_with_them(tmp_path, studio):
    root = scenes_at(tmp_path, studio)
    dataset = ask(root, void=("sky",))
    case = dataset.load(dataset.samples(root)[0])
    expected = np.array([255, 0, 1, *[255] * 253], np.uint8)[class_map()]
    assert np.array_equal(case.targets["classes"], expected)
    assert dataset.classes.things == (1,)
    assert "instances" not in ask(root, void=("person",)).load(dataset.samples(root)[0]).targets
    with pytest.raises(ConfigError, match="no class 'road'"):
        ask(root, void=("road",))


def test_an_unknown_number_is_refused_with_its_value_and_file(tmp_path, studio):
    root = scenes_at(tmp_path, studio)
    drawn = class_map()
    drawn[0, 10:13] = 9
    relabel(root, "b", drawn)
    with pytest.raises(ImageError, match=r"the value 9, which no class has \(3 of 768 pixels\): .*labels/b\.png"):
        ask(root).load(ask(root).samples(root)[1])
    assert list(found_in(root)) == ["labels/b.png"]


def test_unknown_colours_follow_the_tolerance_and_snap_of_the_configuration(tmp_path, studio):
    root = scenes_at(tmp_path, studio, kind="colour")
    drawn = COLOURS[class_map()]
    drawn[0, 10:13] = (120, 130, 128)
    relabel(root, "a", drawn)
    first = ask(root).samples(root)[0]
    case = ask(root).load(first)
    assert (case.targets["classes"][0, 10:13] == 255).all()
    assert len(case.remarks) == 1
    snapped = ask(root, snap=10).load(first)
    assert np.array_equal(snapped.targets["classes"], class_map())
    for config in ({"strict": True}, {"unknown": 0.001}):
        with pytest.raises(ImageError, match=r"labels/a\.png"):
            ask(root, **config).load(first)


def test_sizes_must_agree_for_labels_and_id_maps(tmp_path, studio):
    root = scenes_at(tmp_path, studio)
    relabel(root, "a", class_map()[:20])
    Image.fromarray(ids()[:, :20]).save(root / "instances/b.png")
    (root / "instances/c.png").write_bytes(b"")
    first, second, third = ask(root).samples(root)[:3]
    with pytest.raises(ImageError, match=r"a\.jpg is 32x24 but a\.png is 32x20"):
        ask(root).load(first)
    with pytest.raises(ImageError, match=r"id map instances/b\.png cannot be used: .* b\.png is 32x24 but .* 20x24"):
        ask(root).load(second)
    with pytest.raises(ImageError, match=r"id map instances/c\.png cannot be used: .*empty.*/instances/c\.png"):
        ask(root).load(third)
    found = found_in(root)
    assert set(found) == {"labels/a.png", "labels/b.png", "labels/c.png"}
    assert "instances/c.png" in found["labels/c.png"]


def test_a_damaged_photograph_is_blamed_alone_and_moves_no_split(tmp_path, studio):
    root = scenes_at(tmp_path, studio)
    before = ask(root).samples(root)
    (root / "images/a.jpg").write_bytes(b"")
    assert list(found_in(root)) == ["images/a.jpg"]
    assert ask(root).samples(root) == before


def test_missing_files_are_named_and_stop_or_not(tmp_path, studio):
    root = scenes_at(tmp_path, studio)
    (root / "images/b.jpg").unlink()
    (root / "instances/c.png").unlink()
    assert found_in(root) == {
        "images/b.jpg": "photograph missing, so labels/b.png, instances/b.png is not used",
        "instances/c.png": "id map missing",
    }
    with pytest.raises(LayoutError, match=r"id map missing: .*instances/c\.png"):
        ask(root).samples(root)
    studio.save(root / "instances/c.png", Image.fromarray(ids()))
    assert len(ask(root).samples(root)) == 7
    (root / "labels/a.png").unlink()
    with pytest.raises(LayoutError, match=r"label missing: .*labels/a\.png"):
        ask(root).samples(root)


def test_instances_without_maps_and_maps_without_instances_are_noted(tmp_path, studio):
    root = scenes_at(tmp_path / "one", studio, instances=False)
    assert ask(root).classes.things == ()
    assert "instances of person are not told apart" in found_in(root)["classes.yaml"]
    root = scenes_at(tmp_path / "two", studio, yaml=YAML.replace(", instances: true", ""))
    assert found_in(root) == {"instances": "instances/ is not used, as no class has instances"}


def test_ids_on_other_classes_and_labels_that_are_all_void_are_remarked(tmp_path, studio):
    root = scenes_at(tmp_path, studio)
    relabel(root, "a", class_map(person=False))
    relabel(root, "b", np.full(SHAPE, 255, np.uint8))
    dataset = ask(root)
    first, second, third = dataset.samples(root)[:3]
    assert dataset.load(first).remarks == ("96 pixels of the id map lie on classes without instances",)
    assert "void" in dataset.load(second).remarks[0]
    assert dataset.load(third).remarks == ()


def test_what_is_missing_of_the_folder_is_told(tmp_path, studio):
    root = scenes_at(tmp_path / "scenes", studio)
    with pytest.raises(LayoutError, match=rf"Use --root {root} instead"):
        ask(tmp_path).samples(tmp_path)
    (root / "classes.yaml").unlink()
    with pytest.raises(LayoutError, match=r"missing here: classes\.yaml: .*datasets show indexed"):
        ask(root).samples(root)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LayoutError, match="the folder is empty"):
        ask(tmp_path / "empty").samples(tmp_path / "empty")
    with pytest.raises(InputError, match="folder not found"):
        ask(tmp_path / "none").samples(tmp_path / "none")


def test_a_bad_class_table_is_one_clear_line(tmp_path, studio):
    root = scenes_at(tmp_path, studio, yaml=YAML.replace("[0, 128, 0]", "[255, 0, 0]"))
    with pytest.raises(InputError, match=r"'grass' and 'person' have the same colour.*classes\.yaml"):
        ask(root)
    (root / "classes.yaml").write_text(YAML.replace("[0, 128, 0]", "[0, 0, 0]"))
    with pytest.raises(InputError, match=r"'grass' has the colour of void.*classes\.yaml"):
        ask(root)


def test_discovery_finds_it_by_its_three_parts(tmp_path, studio):
    root = scenes_at(tmp_path / "data/scenes", studio)
    assert find_datasets(tmp_path) == {"indexed": root}
    (root / "classes.yaml").rename(root / "classes.yml")
    assert find_datasets(tmp_path) == {}


def test_a_set_that_was_never_at_a_folder_surveys_it_all_the_same(tmp_path, studio):
    root = scenes_at(tmp_path, studio)
    plain = Indexed(DatasetConfig())
    assert plain.samples(root) == ask(root).samples(root)
    assert plain.check(root) == []
    with pytest.raises(ValueError, match="at\\(root\\)"):
        plain.load(plain.samples(root)[0])


def test_prepared_it_comes_back_with_its_id_maps(tmp_path, studio):
    root = scenes_at(tmp_path / "scenes", studio, ["a", "street/b"])
    dataset = ask(root)
    prepared = tmp_path / "prepared"
    rows = [save_case(prepared, dataset.load(sample)) for sample in dataset.samples(root)]
    write_index(prepared, rows)
    samples = tuple(row.sample(prepared) for row in rows)
    data = PreparedSet(prepared, "indexed", dataset.classes, tuple(rows), samples)
    for sample in samples:
        case = data.case(sample)
        assert np.array_equal(case.targets["classes"], class_map())
        assert np.array_equal(case.targets["instances"], ids())
