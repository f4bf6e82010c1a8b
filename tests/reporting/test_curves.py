from __future__ import annotations

from dataclasses import replace

from retseg.reporting.curves import charts, curve_remarks, curve_table, small_loss_charts
from retseg.reporting.run_files import History, read_run


def test_all_systems_are_overlaid_in_one_chart(vessels) -> None:
    _, systems = vessels
    drawn = {chart.id: chart for chart in charts([read_run(one) for one in systems])}
    loss = drawn["chart-loss-epoch"]
    assert [line.label for line in loss.lines] == [
        "good, training",
        "good, validation",
        "poor, training",
        "poor, test images",
    ]
    assert [line.dashed for line in loss.lines] == [False, True, False, True]
    assert [line.hue for line in loss.lines] == [0, 0, 1, 1]
    assert [line.label for line in drawn["chart-dice-epoch"].lines] == ["good"]
    assert drawn["chart-dice-seconds"].x_label == "Minutes of training"


def test_the_kept_epoch_is_marked(vessels) -> None:
    _, systems = vessels
    (dice,) = [chart for chart in charts([read_run(systems[0])]) if chart.id == "chart-dice-epoch"]
    (line,) = dice.lines
    assert line.marker is not None
    assert f"{line.marker[0]} {line.marker[1]}" in line.path


def test_the_table_repeats_the_file(vessels) -> None:
    _, systems = vessels
    table = curve_table([read_run(systems[0])])
    assert table is not None
    rows = {row.heading: [cell.text for cell in row.cells] for row in table.groups[0].rows}
    assert rows["Loss, validation"] == ["1.000", "0.600", "2", "0.700"]
    assert rows["Dice, validation"] == ["0.410", "0.670", "2", "0.620"]


def test_remarks_warn_of_the_lectures_scale_and_of_unlike_losses(vessels) -> None:
    _, systems = vessels
    both = " ".join(curve_remarks([read_run(one) for one in systems]))
    assert "a tenth of the mean over pixels" in both
    assert "not a score" in both
    assert "good with dice-cross-entropy and poor with nll" in both
    alone = " ".join(curve_remarks([read_run(systems[0])]))
    assert "lecture" not in alone
    assert "different losses" not in alone


def test_without_a_history_there_are_no_curves(vessels) -> None:
    _, systems = vessels
    record = replace(read_run(systems[0]), history=History())
    assert charts([record]) == ()
    assert curve_table([record]) is None
    assert curve_remarks([record]) == ()


def test_losses_of_trainings_of_unlike_length_are_drawn_by_time_too(vessels) -> None:
    _, systems = vessels
    good, poor = (read_run(one) for one in systems)
    drawn = {chart.id: chart for chart in charts([good, poor])}
    assert [chart for chart in drawn if "loss" in chart] == ["chart-loss-epoch", "chart-loss-seconds"]
    assert "by time compare them fairly" in " ".join(curve_remarks([good, poor]))
    alike = replace(good, folders=replace(good.folders, name="twin"))
    assert "chart-loss-seconds" not in {chart.id for chart in charts([good, alike])}
    assert good.train is not None
    budget = {**good.train.config, "train": {"minutes": 5}}
    timed = replace(alike, train=replace(good.train, config=budget))
    assert "chart-loss-seconds" in {chart.id for chart in charts([good, timed])}
    assert "chart-loss-seconds" not in {chart.id for chart in charts([timed])}


def test_many_systems_have_one_chart_for_each_part_with_names_at_the_ends(many) -> None:
    records = [read_run(one) for one in many[1]]
    drawn = charts(records)
    assert [chart.id for chart in drawn] == [
        "chart-train-loss-epoch",
        "chart-train-loss-seconds",
        "chart-validation-loss-epoch",
        "chart-validation-dice-epoch",
        "chart-validation-dice-seconds",
    ]
    for chart in drawn:
        assert chart.wide
        assert [line.label for line in chart.lines] == [record.name for record in records]
        assert len({(line.hue, line.dash) for line in chart.lines}) == 7
        assert not any(line.dashed for line in chart.lines)
    assert all(line.marker is None for line in drawn[0].lines)
    assert all(line.marker is not None for line in drawn[2].lines)
    assert "the names are sorted" in " ".join(curve_remarks(records))


def test_each_of_many_systems_has_its_own_small_chart_by_time(many) -> None:
    records = [read_run(one) for one in many[1]]
    group = small_loss_charts(records)
    assert group is not None
    assert group.title == "Loss of each system: training solid, validation dashed"
    assert "minutes of training" in group.note
    assert [[line.dashed for line in chart.lines] for chart in group.charts] == [[False, True]] * 7
    assert small_loss_charts(records[:5]) is None
