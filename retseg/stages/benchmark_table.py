"""The table of a benchmark: each cell's figures over its seeds, as JSON for the page and as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retseg.core.manifest import Manifest
from retseg.datasets.prepared import PreparedSet

SHOWN = ("auc", "dice", "iou", "cldice", "ece")
"""Metrics of the page, as far as a cell has them; the CSV has all. The IoU is for tasks of several classes."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One system trained on one set and tested on one: a folder of scores for each seed."""

    system: str
    train: str
    test: str
    scores: tuple[Path, ...]
    seeds: tuple[int, ...]
    run: str


def benchmark_table(
    systems: Sequence[str], cells: Sequence[Cell], folds: int, resampling: Mapping[str, int]
) -> dict[str, Any]:
    """The content of benchmark.json."""
    filled = [_figures(cell, folds, resampling) for cell in cells]
    return {
        "title": f"{folds}-fold benchmark" if folds else "Benchmark: trained on, tested on",
        "systems": list(systems),
        "train": list(dict.fromkeys(cell["train"] for cell in filled)),
        "test": list(dict.fromkeys(cell["test"] for cell in filled)),
        "metrics": shown_metrics(filled),
        "cells": filled,
        **resampling,
    }


def shown_metrics(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of `SHOWN` that any cell has a value of; beside the figures of shape of one class no IoU is needed."""

    def known(metric: str) -> bool:
        figures = (cell["figures"].get(metric) or {} for cell in cells)
        return any(figure.get("pooled") is not None or figure.get("mean") is not None for figure in figures)

    return [metric for metric in SHOWN if known(metric) and not (metric == "iou" and known("cldice"))]


def set_name(dataset: str) -> str:
    """A set's name, also where it was given as a folder."""
    path = Path(dataset)
    return PreparedSet.open(path).name if Manifest.find(path) is not None else dataset


def _figures(cell: Cell, folds: int, resampling: Mapping[str, int]) -> dict[str, Any]:
    """One cell's figures: means over seeds, with intervals over patients."""
    from retseg.evaluation.comparison import CompareSystem, compare_systems
    from retseg.evaluation.sums import read_sums
    from retseg.metrics.registry import METRICS

    members = tuple(read_sums(folder / "scores.npz")[0] for folder in cell.scores)
    metrics = [METRICS.get(name) for name in members[0].metrics]
    data = compare_systems([CompareSystem(cell.system, members, "system")], metrics, **resampling)
    summary = json.loads((cell.scores[0] / "summary.json").read_text(encoding="utf-8"))
    figures = {metric.name: _figure(data["tables"], metric.name, cell.system) for metric in metrics}
    return {
        "system": cell.system,
        "train": set_name(cell.train),
        "test": set_name(cell.test),
        "folds": folds or None,
        "seeds": list(cell.seeds),
        "subject": summary.get("subject", "patient"),
        "n_patients": data["n_patients"],
        "n_images": data["n_images"],
        "weak": data["weak"],
        "figures": figures,
        "protocol": summary["protocol"],
        "run": cell.run,
        "scores": [str(folder) for folder in cell.scores],
    }


def _figure(tables: Mapping[str, Any], metric: str, system: str) -> dict[str, float | None]:
    """Pooled value and mean over photographs; the interval and the spread over seeds of the pooled one if it exists."""
    pooled = tables["pooled"].get(metric, {}).get(system) or {}
    mean = tables["per_image_mean"].get(metric, {}).get(system) or {}
    source = pooled if pooled.get("value") is not None else mean
    return {
        "pooled": pooled.get("value"),
        "mean": mean.get("value"),
        "low": source.get("low"),
        "high": source.get("high"),
        "seed_sd": source.get("seed_sd"),
    }


_COLUMNS = (
    "system", "train", "test", "folds", "seeds", "n_patients", "n_images", "weak", "metric", "pooled", "mean", "low",
    "high", "seed_sd", "protocol", "run",
)  # fmt: skip


def table_csv(table: Mapping[str, Any]) -> str:
    """benchmark.csv: one line a cell and metric."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for cell in table["cells"]:
        for metric, figure in cell["figures"].items():
            values = {name: "" if value is None else repr(value) for name, value in figure.items()}
            seeds = ";".join(map(str, cell["seeds"]))
            writer.writerow({**cell, "folds": cell["folds"] or "", "seeds": seeds, "metric": metric, **values})
    return text.getvalue()


def table_lines(table: Mapping[str, Any]) -> list[str]:
    """What a terminal shows."""
    lines = []
    for cell in table["cells"]:
        cells = []
        for metric in table["metrics"]:
            figure = cell["figures"].get(metric) or {}
            value = figure.get("pooled") if figure.get("pooled") is not None else figure.get("mean")
            cells.append(f"{metric} {'n/a' if value is None else f'{value:.4f}'}")
        where = f"{cell['folds']} folds of {cell['train']}" if cell["folds"] else f"{cell['train']} -> {cell['test']}"
        lines.append(f"{cell['system']}, {where}: {', '.join(cells)} (n = {cell['n_patients']} {cell['subject']}s)")
    return lines
