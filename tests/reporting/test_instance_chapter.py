from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from retseg.reporting.instance_chapter import instance_chapter, instance_meanings
from retseg.reporting.instance_files import first_way, found_instances, instance_figures
from retseg.reporting.run_files import read_run


@pytest.fixture(scope="module")
def record(people):
    return read_run(people[1][0], people[0].classes)


def changed(record, **pooled: float):
    """The same run with other pooled figures of AP, by way."""
    data: dict[str, Any] = dict(record.summary["instances"])
    names = {"own": "watershed", "yard": "connected components"}
    systems = {names[way]: {**data["systems"][names[way]], "pooled": {"map": value}} for way, value in pooled.items()}
    return replace(record, summary={**record.summary, "instances": {**data, "systems": systems}})


def test_the_table_has_each_way_with_intervals_and_the_best_of_each_column(record, people) -> None:
    chapter = instance_chapter([record], people[0].classes)
    assert chapter is not None
    table = chapter.tables[0]
    assert table.columns[:2] == ("AP 0.50 to 0.95", "AP at 0.50")
    assert [group.heading for group in table.groups] == ["All test images together", "Mean over the test images"]
    for group in table.groups:
        assert [row.heading for row in group.rows] == ["watershed", "connected components"]
        assert all(cell.best for cell in group.rows[0].cells)
    assert table.groups[1].rows[0].cells[0].small == "[0.100, 0.900]"
    assert table.groups[0].rows[0].cells[0].small == ""
    assert "Lower is better for Count error." in " ".join(table.notes)


def test_a_sentence_says_which_way_is_better_and_by_how_much(record, people) -> None:
    classes = people[0].classes
    better = instance_chapter([changed(record, own=0.71, yard=0.45)], classes)
    assert better is not None
    text = "Watershed separates better than connected components, by 0.260 (AP 0.50 to 0.95: 0.710 against 0.450)."
    assert text in better.remarks[1]
    worse = instance_chapter([changed(record, own=0.4, yard=0.5)], classes)
    assert worse is not None
    assert "Connected components separate better than watershed, by 0.100" in worse.remarks[1]
    equal = instance_chapter([changed(record, own=0.5, yard=0.5)], classes)
    assert equal is not None
    assert "separate equally well" in equal.remarks[1]


def test_the_counts_of_each_image_say_how_many_are_missing(record, people) -> None:
    chapter = instance_chapter([record], people[0].classes)
    assert chapter is not None
    rows = {row.heading: row.cells for row in chapter.tables[1].groups[0].rows}
    for image in record.summary["instances"]["images"]:
        cells = rows[image["id"]]
        assert cells[0].text == str(image["truth"])
        assert cells[1].text == str(image["watershed"])
        off = image["connected components"] - image["truth"]
        assert cells[2].small == (f"\N{MINUS SIGN}{-off}" if off < 0 else f"+{off}" if off else "")
    assert any(cells[2].small for cells in rows.values())
    assert f"right in {len(rows)} with watershed" in chapter.remarks[1]


def test_definitions_come_from_the_file(record) -> None:
    assert instance_meanings([record])[0] == ("AP 0.50 to 0.95", "What AP 0.50 to 0.95 is.")


@pytest.mark.parametrize("found", [None, {}, {"systems": {}}])
def test_older_files_have_no_instances(record, people, found) -> None:
    bare = replace(record, summary={**record.summary, "instances": found})
    assert instance_figures(bare) is None
    assert instance_chapter([bare], people[0].classes) is None
    assert instance_meanings([bare]) == ()
    assert first_way(bare) == "predicted"


def test_id_maps_are_read_where_there_are_any(record, people) -> None:
    image = people[0].split("test")[0].id
    ids = found_instances(record, image)
    assert ids is not None
    assert ids.dtype == "uint16"
    assert ids.max() == 2
    assert found_instances(record, "nowhere") is None
