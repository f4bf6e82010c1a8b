"""The figures of a recipe over its seeds: each run predicted and scored on each set by the locked protocol.

    python benchmarks/weights.py runs/weights-seed0 runs/weights-seed1 runs/weights-seed2 --out reports/weights.json
    python benchmarks/weights.py default --dataset chase --dataset data/prepared/hrf-1a2b3c4d

Prints a Markdown table for each set: the mean over the runs, the least and the most, each run with its 95% interval
over patients, and each further human observer. What is predicted and scored already is not done again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import retseg
from retseg.core.config import merge, parse_assignments
from retseg.core.errors import RetsegError
from retseg.core.manifest import Manifest
from retseg.core.paths import RUNS
from retseg.stages.locate import find_run
from retseg.stages.prepare import prepared_set
from retseg.stages.settings import load_settings
from retseg.stages.train import family_of

CUSTOMARY = ("chase", "hrf")

FIGURES = {
    "AUC": ("pooled", "auc", 4),
    "AP": ("pooled", "ap", 4),
    "Dice": ("pooled", "dice", 4),
    "mean Dice": ("per_image_mean", "dice", 4),
    "clDice": ("pooled", "cldice", 4),
    "Betti-0 error": ("pooled", "betti0", 1),
    "ECE": ("pooled", "ece", 4),
    "sensitivity": ("pooled", "sensitivity", 4),
    "specificity": ("pooled", "specificity", 4),
}
"""Where summary.json keeps each figure, and the decimals that it is shown with."""

View = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="runs of one recipe that differ in their seed, or `default`")
    parser.add_argument("--dataset", action="append", help="name or prepared folder; several times; chase and hrf")
    parser.add_argument("--split", default="test", help="test; another only while something is being developed")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, as for retseg")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes that score; all cores")
    parser.add_argument("--out", type=Path, help="a JSON file for all of it")
    arguments = parser.parse_args()
    try:
        found = [measure(arguments, name) for name in arguments.dataset or CUSTOMARY]
        words = remark(arguments.runs)
    except RetsegError as error:
        parser.exit(1, f"{error.line}\n")
    for one in found:
        print("\n".join(table(one)), end="\n\n")
    if words:
        print(words)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def measure(arguments: argparse.Namespace, dataset: str) -> dict[str, Any]:
    """Everything about one set: each run's figures with intervals, their span over the runs, and the observers."""
    prepared = prepared_set(load_settings({}, (), {"dataset.name": dataset})).folder
    summaries = [summary_of(arguments, run, prepared) for run in arguments.runs]
    first = summaries[0]
    runs = {Path(run).name: figures(summary) for run, summary in zip(arguments.runs, summaries, strict=True)}
    return {
        "dataset": first["dataset"],
        "split": first["split"],
        "patients": first["n_patients"],
        "photographs": first["n_images"],
        "protocol": first["protocol"],
        "over_runs": span(list(runs.values())),
        "runs": runs,
        "observers": {name: figures(view) for name, view in (first.get("observers") or {}).items()},
    }


def summary_of(arguments: argparse.Namespace, run: str, prepared: Path) -> dict[str, Any]:
    """The content of summary.json, after whatever is missing has been done."""
    given = {"prepared": prepared, "device": arguments.device}
    values = merge(parse_assignments(arguments.set), {"evaluate": {"split": arguments.split}})
    if arguments.split == "test":
        return retseg.evaluate(run, workers=arguments.workers, set=values, **given)
    # Beside the test's results, never in their place; and the shipped model has no folder of its own to write in.
    name = f"{Manifest.read(prepared).facts['dataset']}-{arguments.split}"
    home = Path(run) if (Path(run) / "train").is_dir() else RUNS / run
    maps = retseg.predict(run=run, out=home / "predict" / name, set=values, **given)
    scores = home / "evaluate" / name
    return retseg.evaluate(predictions=maps, out=scores, workers=arguments.workers, set=values, **given)


def figures(view: View) -> dict[str, Any]:
    """Each figure as {"value", "interval"}; what is undefined is left out."""
    found = {}
    for title, (kind, metric, _) in FIGURES.items():
        value = view[kind].get(metric)
        if value is not None:
            found[title] = {"value": value, "interval": view["intervals"][kind].get(metric)}
    return found


def span(runs: Sequence[View]) -> dict[str, Any]:
    """Mean, least and most of each figure that all runs have."""
    shared = [title for title in FIGURES if all(title in run for run in runs)]
    values = {title: [run[title]["value"] for run in runs] for title in shared}
    return {title: {"mean": fmean(some), "least": min(some), "most": max(some)} for title, some in values.items()}


def table(found: View) -> list[str]:
    """One set as Markdown: a row for the mean, the span, each run and each observer."""
    number, over = len(found["runs"]), found["over_runs"]
    rows = {}
    if number > 1:
        rows[f"**mean of {number} runs**"] = [cell(over, title, "{mean}") for title in FIGURES]
        rows["least to most"] = [cell(over, title, "{least} to {most}") for title in FIGURES]
    rows |= {f"`{name}`": [with_interval(run, title) for title in FIGURES] for name, run in found["runs"].items()}
    for name, view in found["observers"].items():
        rows[f"`{name}` (human observer)"] = [with_interval(view, title) for title in FIGURES]
    lines = [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    counted = f"{found['photographs']} photographs of n = {found['patients']} patients"
    title = f"### {found['dataset']}, {found['split']}: {counted}"
    head = [f"| system | {' | '.join(FIGURES)} |", "| --- |" + " --- |" * len(FIGURES)]
    return [title, "", *head, *lines, "", str(found["protocol"])]


def cell(figures_of: View, title: str, layout: str) -> str:
    if title not in figures_of:
        return "-"
    decimals = FIGURES[title][2]
    return layout.format(**{name: f"{value:.{decimals}f}" for name, value in figures_of[title].items()})


def with_interval(run: View, title: str) -> str:
    if title not in run:
        return "-"
    decimals, one = FIGURES[title][2], run[title]
    value = f"{one['value']:.{decimals}f}"
    if one["interval"] is None:
        return value
    low, high = one["interval"]
    return f"{value} [{low:.{decimals}f}, {high:.{decimals}f}]"


def remark(runs: Sequence[str]) -> str:
    """A warning where the runs differ in more than their seed: their mean is then the mean of different things."""
    trained = [manifest for run in runs if (manifest := Manifest.find(find_run(Path(run)) / "train"))]
    if len({family_of(manifest) for manifest in trained}) < 2:
        return ""
    return "Warning: these runs differ in more than their seed, so that the span is not that of one recipe's seeds."


if __name__ == "__main__":
    main()
