from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from retseg.core.errors import InputError
from retseg.datasets.class_file import EXAMPLE, read_class_file


def read(root, content):
    path = root / "classes.yaml"
    path.write_text(content)
    return read_class_file(path)


def table(*lines: str, above: str = "") -> str:
    return above + "classes:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


SKY, TREE = "name: sky, colour: [1, 2, 3]", "name: tree, colour: [4, 5, 6]"


def test_the_example_that_we_show_is_read(tmp_path):
    file = read(tmp_path, EXAMPLE)
    assert (file.classes.name, file.classes.names) == ("my-scenes", ("sky", "person"))
    assert [item.colour for item in file.classes.items] == [(128, 128, 128), (255, 0, 0)]
    assert (file.classes.things, file.classes.subject, file.classes.positive) == ((1,), "photograph", None)
    assert file.indices == (0, 7)
    assert (file.void_colours, file.labels) == (((0, 0, 0),), "colour")


def test_the_example_of_the_readme_is_read(tmp_path):
    readme = (Path(__file__).parents[2] / "data/README.md").read_text()
    example = readme.partition("A whole `classes.yaml`:\n\n")[2].partition("\n\n")[0]
    file = read(tmp_path, dedent(example))
    assert file.classes.names == ("sky", "tree", "road", "person")
    assert (file.indices, file.classes.things) == ((0, 1, 7, 3), (3,))


def test_what_may_be_left_out_has_a_default(tmp_path):
    root = tmp_path / "street"
    root.mkdir()
    file = read(root, table(SKY, TREE))
    assert file.classes.name == "street"
    assert file.indices == (0, 1)
    assert file.classes.things == ()
    assert (file.void_colours, file.void_indices, file.labels) == ((), (255,), None)


@pytest.mark.parametrize(
    ("void", "colours", "indices"),
    [
        ("void: [9, 9, 9]\n", ((9, 9, 9),), (255,)),
        ("void: [9, 8, 7]\nlabels: index\n", (), (9, 8, 7, 255)),
        ("void: 255\n", (), (255,)),
        ("void: [9, 8]\n", (), (9, 8, 255)),
        ("void: [[9, 9, 9], [8, 8, 8], 7]\n", ((9, 9, 9), (8, 8, 8)), (7, 255)),
    ],
)
def test_void_is_a_colour_an_index_or_several(tmp_path, void, colours, indices):
    file = read(tmp_path, table(SKY, TREE, above=void))
    assert (file.void_colours, file.void_indices) == (colours, indices)


def test_255_is_void_unless_a_class_has_it(tmp_path):
    assert read(tmp_path, table(SKY, f"{TREE}, index: 255")).void_indices == ()


BAD = {
    "no YAML": ("classes: [", "no YAML"),
    "a word": ("sky", "must consist of keys and values"),
    "nothing": ("", "must consist of keys and values"),
    "an unknown key": (table(SKY, TREE, above="clases: 1\n"), "unknown key 'clases'. Did you mean classes"),
    "an unknown key of a class": (table(SKY, f"{TREE}, color: 1"), "class 2 has an unknown key 'color'. Did you mean"),
    "no classes": ("name: a", "classes must be a list of 2 to 254"),
    "one class": (table(SKY), "classes must be a list of 2 to 254"),
    "a class that is a word": ("classes: [sky, tree]", "class 1 must consist of keys"),
    "no name": (table(SKY, "colour: [4, 5, 6]"), "class 2 needs a name that is a text, not None"),
    "a name that YAML takes for a truth value": (
        table(SKY, "name: on, colour: [4, 5, 6]"),
        "class 2 needs a name that is a text, not True: ",
    ),
    "no colour": (table(SKY, "name: tree"), "the colour of 'tree' must be three whole numbers from 0 to 255"),
    "a colour out of range": (table(SKY, "name: tree, colour: [4, 5, 256]"), "not [4, 5, 256]"),
    "a colour of two": (table(SKY, "name: tree, colour: [4, 5]"), "the colour of 'tree'"),
    "a fraction in a colour": (table(SKY, "name: tree, colour: [4, 5, 0.5]"), "the colour of 'tree'"),
    "equal names": (table(SKY, "name: sky, colour: [4, 5, 6]"), "two classes are called 'sky'"),
    "equal colours": (
        table(SKY, "name: tree, colour: [1, 2, 3]"),
        "'sky' and 'tree' have the same colour (1, 2, 3)",
    ),
    "equal indices": (table(f"{SKY}, index: 5", f"{TREE}, index: 5"), "'sky' and 'tree' have the same index (5)"),
    "an index that is another's place": (table(f"{SKY}, index: 1", TREE), "'sky' and 'tree' have the same index (1)"),
    "an index too large": (table(f"{SKY}, index: 65536", TREE), "the index of 'sky' must be a whole number"),
    "an index that is no number": (table(f"{SKY}, index: yes", TREE), "the index of 'sky' must be a whole number"),
    "instances that are no truth value": (table(f"{SKY}, instances: 3", TREE), "instances of 'sky' must be true"),
    "a class with the index of void": (table(SKY, TREE, above="void: 1\n"), "'tree' has the index of void (1)"),
    "a void that is a word": (table(SKY, TREE, above="void: black\n"), "not 'black'"),
    "labels of another kind": (table(SKY, TREE, above="labels: grey\n"), "labels must be index or colour, not 'grey'"),
    "a name that is a number": (table(SKY, TREE, above="name: 3\n"), "name must be a text, not 3"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_in_one_line_with_the_file(tmp_path, case):
    content, words = BAD[case]
    with pytest.raises(InputError) as error:
        read(tmp_path, content)
    line = error.value.line
    assert words in line.replace(f": {tmp_path}/classes.yaml. ", ". ") or words in line
    assert str(tmp_path / "classes.yaml") in line
    assert "\n" not in line


def test_a_file_that_is_missing_or_must_not_be_read(tmp_path):
    with pytest.raises(InputError, match=r"missing: .*classes\.yaml.*datasets show indexed"):
        read_class_file(tmp_path / "classes.yaml")
    (tmp_path / "classes.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(InputError, match="no YAML"):
        read_class_file(tmp_path / "classes.yaml")
    (tmp_path / "classes.yaml").unlink()
    (tmp_path / "classes.yaml").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_class_file(tmp_path / "classes.yaml")
