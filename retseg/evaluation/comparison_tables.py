"""comparison.json, and the same figures as two tables for a spreadsheet: comparison.csv and pairs.csv."""

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
)  # fmt: skip
"""One line a system, view and metric. `n_patients` and `n_images` are those compared."""

PAIR_COLUMNS = (
    "a", "b", "view", "metric", "difference", "low", "high", "p_bootstrap", "p_wilcoxon", "p_bootstrap_holm",
    "p_wilcoxon_holm", "n_patients", "significant", "patients_needed",
)  # fmt: skip
"""One line a pair, view and metric; `difference` is a minus b, `n_patients` those in whom both have the figure."""


def write_comparison(out: Path, data: Mapping[str, Any]) -> None:
    """Writes what `compare_systems` returned into the folder `out`. Numbers keep all their digits."""
    write_atomically(out / "comparison.json", json.dumps(data, indent=1, allow_nan=False) + "\n")
    _write_csv(out / "comparison.csv", COLUMNS, _lines(data))
    _write_csv(out / "pairs.csv", PAIR_COLUMNS, data["pairs"])


def _lines(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    whole = {key: data[key] for key in ("n_patients", "n_images", "weak")}
    for system in data["systems"]:
        for view, table in data["tables"].items():
            for metric in data["metrics"]:
                place = {"system": system["name"], "kind": system["kind"], "seeds": system["seeds"]}
                yield {**place, "view": view, "metric": metric, **table[metric][system["name"]], **whole}


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
