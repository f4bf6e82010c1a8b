"""comparison.json, the same figures as tables for a spreadsheet (comparison.csv, pairs.csv) and for a README."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from retseg.core.paths import write_atomically

COLUMNS = (
    "system", "kind", "seeds", "view", "metric", "value", "low", "high", "seed_sd", "n_patients", "n_images", "weak",
    "protocol",
)  # fmt: skip
"""One line a system, view and metric. `n_patients` and `n_images` are those compared."""

PAIR_COLUMNS = (
    "a", "b", "view", "metric", "difference", "low", "high", "p_bootstrap", "p_wilcoxon", "p_bootstrap_holm",
    "p_wilcoxon_holm", "n_patients", "significant", "patients_needed",
)  # fmt: skip
"""One line a pair, view and metric; `difference` is a minus b, `n_patients` those in whom both have the figure."""


_SHOWN = (
    ("auc", "AUC", 4), ("ap", "AP", 3), ("dice", "Dice, 95% interval (mean)", 3), ("mcc", "MCC", 3),
    ("cldice", "clDice", 3), ("betti0", "Betti-0 error", 1), ("hd95", "HD95, px", 1), ("nsd", "NSD", 3),
    ("ece", "ECE", 4),
)  # fmt: skip
"""Columns of the Markdown table: metric, heading, decimals."""

_OF_CLASSES = (("iou", "IoU", 3), ("accuracy", "Accuracy", 3))
"""Columns that stand in the place of those without a figure, as several classes have none of shape and calibration."""


def write_comparison(out: Path, data: Mapping[str, Any], protocol: str = "") -> None:
    """Writes what `compare_systems` returned into the folder `out`. Numbers keep all their digits.

    The Markdown table is rounded for reading, best Dice first, with the line `protocol` under it.
    """
    write_atomically(out / "comparison.md", _markdown(data, protocol))
    write_atomically(out / "comparison.json", json.dumps(data, indent=1, allow_nan=False) + "\n")
    _write_csv(out / "comparison.csv", COLUMNS, ({**line, "protocol": protocol} for line in _lines(data)))
    _write_csv(out / "pairs.csv", PAIR_COLUMNS, data["pairs"])


def _lines(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    whole = {key: data[key] for key in ("n_patients", "n_images", "weak")}
    for system in data["systems"]:
        for view, table in data["tables"].items():
            for metric in data["metrics"]:
                place = {"system": system["name"], "kind": system["kind"], "seeds": system["seeds"]}
                yield {**place, "view": view, "metric": metric, **table[metric][system["name"]], **whole}


def _markdown(data: Mapping[str, Any], protocol: str) -> str:
    columns = _columns(data)
    lines = [
        "| " + " | ".join(["system", *(heading for _, heading, _ in columns)]) + " |",
        "| --- |" + " --- |" * len(columns),
    ]
    for system in sorted(data["systems"], key=lambda one: -(_shown(data, "dice", one["name"])[0] or 0)):
        notes = [f"{system['seeds']} seeds"] if system["seeds"] > 1 else []
        notes += ["human observer"] if system["kind"] == "observer" else []
        name = f"`{system['name']}`" + (f" ({', '.join(notes)})" if notes else "")
        cells = [_cell(data, metric, system["name"], digits) for metric, _, digits in columns]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    n = f"n = {data['n_patients']} patients, {data['n_images']} photographs."
    weak = " Fewer than six patients: no difference between rows is called significant." if data["weak"] else ""
    return "\n".join([*lines, "", (protocol or n) + weak]) + "\n"


def _columns(data: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """The columns in which any system has a figure."""
    asked = [column for column in _SHOWN if column[0] in data["metrics"]]
    names = [system["name"] for system in data["systems"]]

    def filled(column: tuple[str, str, int]) -> bool:
        return any(_shown(data, column[0], name)[0] is not None for name in names)

    there = [column for column in asked if filled(column)]
    return there if len(there) == len(asked) else [*there, *(column for column in _OF_CLASSES if filled(column))]


def _shown(data: Mapping[str, Any], metric: str, system: str) -> tuple[float | None, Mapping[str, Any]]:
    """A figure and the entry it is from: pooled, or the mean over photographs where a figure has no pooled form."""
    for view in ("pooled", "per_image_mean"):
        entry = data["tables"][view].get(metric, {}).get(system) or {}
        if entry.get("value") is not None:
            return entry["value"], entry
    return None, {}


def _cell(data: Mapping[str, Any], metric: str, system: str, digits: int) -> str:
    value, entry = _shown(data, metric, system)
    if value is None:
        return "-"
    text = f"{value:.{digits}f}"
    if metric != "dice":
        return text
    interval = f" [{entry['low']:.{digits}f}, {entry['high']:.{digits}f}]" if entry.get("low") is not None else ""
    mean = data["tables"]["per_image_mean"][metric][system]["value"]
    return f"{text}{interval} ({mean:.{digits}f})"


def _write_csv(path: Path, columns: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_field(line[column]) for column in columns] for line in lines)
    write_atomically(path, text.getvalue().encode("utf-8", "surrogateescape"))


def _field(value: Any) -> str:
    """A field as spreadsheets know it: nothing for None, TRUE and FALSE, numbers with all digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    return repr(value) if isinstance(value, float) else str(value)
