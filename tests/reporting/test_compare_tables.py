from __future__ import annotations

from typing import Any

import pytest

from retseg.metrics.registry import METRICS
from retseg.reporting.compare_files import Comparison, read_systems
from retseg.reporting.compare_tables import families, figure_tables, pairs_table, patients_table
from tests.reporting.conftest import World


@pytest.fixture(scope="module")
def compared(make_world: Any) -> tuple[dict[str, Any], Any]:
    """Two systems, one of two seeds, on eight patients; the real statistics."""
    from tests.reporting.comparison_files import comparison_of

    world: World = make_world(tests=16)
    prepared = world.prepare()
    runs = {
        "net": [world.run(prepared, f"net-{seed}", seed=seed) for seed in (0, 1)],
        "old": [world.run(prepared, "old", blur=0.6, seed=90)],
    }
    return comparison_of(world, runs)


def test_every_metric_stands_in_one_table(compared: Any) -> None:
    names = tuple(METRICS.names())
    placed = [name for _, found in families((*names, "unknown")) for name in found]
    assert sorted(placed) == sorted((*names, "unknown"))
    assert all(len(found) <= 5 for _, found in families(names))


def test_figures_stand_with_their_intervals_and_seeds(compared: Any) -> None:
    data, systems = compared
    comparison = Comparison.of(data)
    tables = figure_tables(comparison, read_systems(systems, comparison))
    first = tables[0]
    place = first.columns.index("Dice")
    pooled, means = first.groups
    net, spread, old, human = pooled.rows
    found = data["tables"]["pooled"]["dice"]["net"]
    assert net.note.replace("\N{NO-BREAK SPACE}", " ") == "2 seeds"
    assert net.cells[place].text == f"{found['value']:.3f}"
    assert net.cells[place].small == f"[{found['low']:.3f}, {found['high']:.3f}]"
    assert net.cells[place].best
    assert not old.cells[place].best
    assert spread.minor
    assert spread.cells[place].text == f"{found['seed_sd']:.3f}"
    assert human.human
    assert human.cells[first.columns.index("AUC")].text == "N/A"
    assert not any(cell.best for cell in human.cells)
    assert means.heading == "Mean over the images"
    for table in tables:
        assert "8\N{NO-BREAK SPACE}patients" in table.aside
        assert any(note.startswith("Protocol: ") for note in table.notes)


def test_differences_stand_with_their_tests(compared: Any) -> None:
    data, systems = compared
    comparison = Comparison.of(data)
    table = pairs_table(comparison, read_systems(systems, comparison))
    assert table is not None
    group = next(g for g in table.groups if (g.heading, g.note) == ("Dice", "mean over the images"))
    row = next(r for r in group.rows if r.heading == "net − old")
    pair = next(
        p for p in data["pairs"] if (p["a"], p["b"], p["metric"], p["view"]) == ("net", "old", "dice", "per_image_mean")
    )
    texts = [cell.text for cell in row.cells]
    assert texts[0] == f"+{pair['difference']:.3f}"
    assert texts[4:7] == [
        f"{pair['p_wilcoxon']:.3f}",
        f"{pair['p_wilcoxon_holm']:.3f}",
        "yes" if pair["significant"] else "no",
    ]
    assert texts[-1] == "8"


def test_without_a_test_there_are_no_columns_of_p(compared: Any) -> None:
    data, systems = compared
    blank = {
        "p_bootstrap": None,
        "p_bootstrap_holm": None,
        "p_wilcoxon": None,
        "p_wilcoxon_holm": None,
        "significant": None,
    }
    comparison = Comparison.of({**data, "n_patients": 4, "pairs": [{**pair, **blank} for pair in data["pairs"]]})
    table = pairs_table(comparison, read_systems(systems, comparison))
    assert table is not None
    assert table.columns == ("Difference", "95% interval", "Patients needed", "n")
    assert "weak" in table.aside


def test_of_very_many_pairs_those_of_the_best_are_shown(compared: Any) -> None:
    data, systems = compared
    more = [{**pair, "a": f"x{i}", "b": f"y{i}"} for i in range(60) for pair in data["pairs"][:1]]
    dice = [{**pair, "metric": "dice"} for pair in more]
    comparison = Comparison.of({**data, "pairs": [*data["pairs"], *dice]})
    table = pairs_table(comparison, read_systems(systems, comparison))
    assert table is not None
    headings = [row.heading for group in table.groups for row in group.rows]
    assert headings
    assert all("net" in heading for heading in headings)
    assert any("pairs.csv" in note for note in table.notes)


def test_every_patient_is_in_the_table(compared: Any) -> None:
    data, systems = compared
    comparison = Comparison.of(data)
    table = patients_table(comparison, read_systems(systems, comparison))
    assert table is not None
    dice = table.groups[0]
    assert [row.heading for row in dice.rows] == sorted(data["per_patient"]["dice"]["net"])
    assert dice.rows[0].cells[0].text == f"{data['per_patient']['dice']['net']['p0-test']:.3f}"
