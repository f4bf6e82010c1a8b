"""The matrix of training sets and test sets, as one self-contained page. It shows what travels to other cameras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retseg.core.errors import InputError
from retseg.reporting.compare_views import BenchmarkPage, MatrixCell, interval
from retseg.reporting.making import title_of
from retseg.reporting.metric_headings import figure, heading, lower_is_better, meanings, shape_metrics
from retseg.reporting.numbers import mapping_in, number_in
from retseg.reporting.page import write_page
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import NOT_AVAILABLE, counted, listed, whole

NAME = "benchmark.html"

_DASH = "\N{EN DASH}"
_SETS = "+,"
_SPOKEN_OF = "dice"
_MOST_ROWS = 3
_NOT_COMPUTED = "Not computed"
_NOT_A_TEST = "NOT A TEST"


@dataclass(frozen=True, slots=True)
class BenchmarkCell:
    """One system, trained on one set and tested on one. Without figures, `reason` says why there are none."""

    system: str
    train: str
    test: str
    figures: Mapping[str, Any]
    folds: int | None = None
    seeds: int = 1
    n_patients: int = 0
    n_images: int = 0
    weak: bool = False
    protocol: str = ""
    run: str = ""
    reason: str = ""

    @property
    def same_camera(self) -> bool:
        """Whether the test set's camera is one that the system was trained on."""
        return self.test in split_sets(self.train)

    @property
    def not_a_test(self) -> bool:
        """Whether patients were scored that the system was fitted on."""
        return _NOT_A_TEST in self.protocol

    def value(self, metric: str) -> float | None:
        """The pooled figure, or the mean over images of a metric that cannot be pooled."""
        found = mapping_in(self.figures.get(metric))
        pooled = number_in(found.get("pooled"))
        return number_in(found.get("mean")) if pooled is None else pooled


@dataclass(frozen=True, slots=True)
class Benchmark:
    """benchmark.json: the cells, and the order of rows and columns."""

    title: str
    systems: tuple[str, ...]
    train: tuple[str, ...]
    test: tuple[str, ...]
    metrics: tuple[str, ...]
    cells: Mapping[tuple[str, str, str], BenchmarkCell]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Benchmark:
        """Reads what the benchmark wrote; InputError where that is not a benchmark."""
        try:
            cells = [_cell(found) for found in data["cells"]]
            return cls(
                title=str(data.get("title") or "Benchmark"),
                systems=tuple(map(str, data["systems"])),
                train=tuple(map(str, data["train"])),
                test=tuple(map(str, data["test"])),
                metrics=tuple(map(str, data["metrics"])),
                cells={(cell.system, cell.train, cell.test): cell for cell in cells},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"the benchmark is not as benchmark writes it ({error!r})",
                fix="Run `retseg benchmark` again with --force",
            ) from None

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """(system, training set) of every row that has any cell."""
        known = {(system, train) for system, train, _ in self.cells}
        return tuple((s, t) for s in self.systems for t in self.train if (s, t) in known)

    @property
    def filled(self) -> tuple[BenchmarkCell, ...]:
        """The cells that have figures, in the order of the rows."""
        ordered = [self.cells.get((s, t, test)) for s, t in self.rows for test in self.test]
        return tuple(cell for cell in ordered if cell is not None and cell.figures)


def write_benchmark_page(table: Mapping[str, Any], out: Path) -> Path:
    """Writes `benchmark.html` into `out` and returns its path. `table` is what benchmark.json holds."""
    benchmark = Benchmark.of(table)
    cells = benchmark.filled
    page = BenchmarkPage(
        title=benchmark.title,
        subtitle=f"Trained on {_names(benchmark.train)}; tested on {_names(benchmark.test)}",
        banner=_banner(cells),
        summary=(" ".join(_summary(benchmark)),),
        tables=tuple(_matrix(benchmark, metric) for metric in benchmark.metrics),
        cells=_cells_table(cells),
        definitions=meanings(benchmark.metrics),
    )
    return write_page(NAME, out / NAME, page=page)


def split_sets(train: str) -> tuple[str, ...]:
    """The sets that a system was trained on together: `chase+hrf` is two."""
    for separator in _SETS:
        train = train.replace(separator, " ")
    return tuple(train.split())


def shared_protocol(cells: Sequence[BenchmarkCell]) -> str:
    """What the protocol lines of all cells have in common."""
    lines = [cell.protocol.rstrip(". ").split("; ") for cell in cells if cell.protocol]
    shared = [part for part in lines[0] if part and all(part in line for line in lines)] if lines else []
    return "; ".join(shared)


def _cell(data: Mapping[str, Any]) -> BenchmarkCell:
    folds = data.get("folds")
    return BenchmarkCell(
        system=str(data["system"]),
        train=str(data["train"]),
        test=str(data["test"]),
        figures=data.get("figures") or {},
        folds=None if folds is None else int(folds),
        seeds=len(data.get("seeds") or ()) or 1,
        n_patients=int(data.get("n_patients") or 0),
        n_images=int(data.get("n_images") or 0),
        weak=bool(data.get("weak")),
        protocol=str(data.get("protocol") or ""),
        run=str(data.get("run") or ""),
        reason=str(data.get("reason") or ""),
    )


def _names(sets: Sequence[str]) -> str:
    return listed([_title(name) for name in sets])


def _title(train: str) -> str:
    """A training set as people write it, several sets joined."""
    return " + ".join(map(title_of, split_sets(train)))


def _banner(cells: Sequence[BenchmarkCell]) -> str:
    wrong = [f"{cell.system}, {_title(cell.train)} to {title_of(cell.test)}" for cell in cells if cell.not_a_test]
    if not wrong:
        return ""
    return f"{_NOT_A_TEST}: patients are scored that the system was fitted on ({'; '.join(wrong)})."


def _summary(benchmark: Benchmark) -> Iterator[str]:
    """What each training set gives on its own camera and on the others, and how much that is worth."""
    metric = _SPOKEN_OF if _SPOKEN_OF in benchmark.metrics else next(iter(benchmark.metrics), "")
    cells = benchmark.filled
    if not cells:
        yield "No cell of this table has been computed."
        return
    known = [cell for cell in cells if cell.value(metric) is not None]
    if len(benchmark.rows) <= _MOST_ROWS:
        for system, train in benchmark.rows:
            yield from _row_words([c for c in known if (c.system, c.train) == (system, train)], metric)
    else:
        yield from _range_words(known, metric)
    if any(cell.weak for cell in cells):
        yield "A cell of fewer than six patients is marked as weak: it supports no claim of a difference."


def _row_words(row: Sequence[BenchmarkCell], metric: str) -> Iterator[str]:
    """What one training set gives on its own camera and on the others."""
    parts = [
        f"{listed([f'{figure(metric, cell.value(metric))} on {title_of(cell.test)}' for cell in found])}, {camera}"
        for camera, found in _by_camera(row).items()
        if found
    ]
    if parts:
        yield f"{row[0].system} trained on {_title(row[0].train)} reaches a {heading(metric)} of {'; '.join(parts)}."


def _range_words(cells: Sequence[BenchmarkCell], metric: str) -> Iterator[str]:
    """Between what figures the cells of a kind lie, where there are too many rows to tell each."""
    for camera, found in _by_camera(cells).items():
        values = sorted(value for cell in found if (value := cell.value(metric)) is not None)
        if values:
            where = f"Where the system was tested on {camera}, {heading(metric)} lies"
            cells_in = counted(len(values), "cell")
            yield f"{where} between {figure(metric, values[0])} and {figure(metric, values[-1])} ({cells_in})."


def _by_camera(cells: Sequence[BenchmarkCell]) -> dict[str, list[BenchmarkCell]]:
    return {
        "its own camera": [cell for cell in cells if cell.same_camera],
        "cameras that it never saw": [cell for cell in cells if not cell.same_camera],
    }


def _matrix(benchmark: Benchmark, metric: str) -> Table:
    reasons: dict[str, str] = {}
    groups = tuple(
        RowGroup(
            system,
            tuple(
                Row(
                    _title(train),
                    tuple(_matrix_cell(benchmark, metric, (system, train, t), reasons) for t in benchmark.test),
                )
                for of, train in benchmark.rows
                if of == system
            ),
        )
        for system in benchmark.systems
        if any(of == system for of, _ in benchmark.rows)
    )
    shared = shared_protocol(benchmark.filled)
    first = "the mean over the images" if shape_metrics((metric,)) else "the figure over all pixels pooled"
    notes = [
        "Lower is better." if lower_is_better((metric,)) else "Higher is better.",
        "Bold and marked as its own camera: the system was trained on photographs of the same set’s camera. All other "
        "cells are of cameras that it never saw.",
        f"First {first}; in brackets its 95% interval, from a bootstrap over the n patients. "
        "A cell with folds was scored on patients that each fold’s training left out.",
        *(f"{mark} {reason}." for reason, mark in reasons.items()),
    ]
    if shared:
        notes.append(f"Protocol: {shared}; what differs from cell to cell stands in the list of cells.")
    columns = tuple(f"on {title_of(name)}" for name in benchmark.test)
    return Table(f"{heading(metric)}", "Trained on", columns, groups, tuple(notes))


def _matrix_cell(benchmark: Benchmark, metric: str, place: tuple[str, str, str], reasons: dict[str, str]) -> MatrixCell:
    """A cell's figure with what it rests on; a dash with the mark of its reason where there is none."""
    cell = benchmark.cells.get(place)
    value = None if cell is None else cell.value(metric)
    if cell is None or value is None:
        reason = (cell.reason if cell else "") or (f"{heading(metric)} is undefined here" if cell else _NOT_COMPUTED)
        mark = reasons.setdefault(reason.rstrip(". "), f"[{len(reasons) + 1}]")
        return MatrixCell(f"{_DASH} {mark}")
    found = mapping_in(cell.figures.get(metric))
    mean, spread = number_in(found.get("mean")), number_in(found.get("seed_sd"))
    lines = [interval(metric, number_in(found.get("low")), number_in(found.get("high")))]
    if mean is not None and number_in(found.get("pooled")) is not None:
        lines.append(f"mean over images {figure(metric, mean)}")
    if spread is not None:
        lines.append(f"SD of {counted(cell.seeds, 'seed')} {figure(metric, spread)}")
    size = [f"n = {whole(cell.n_patients)}"]
    size += ["weak"] if cell.weak else []
    size += [counted(cell.folds, "fold")] if cell.folds else []
    lines.append(", ".join(size))
    lines += ["own camera"] if cell.same_camera else []
    lines += [_NOT_A_TEST] if cell.not_a_test else []
    return MatrixCell(figure(metric, value), lines=tuple(line for line in lines if line), apart=cell.same_camera)


def _cells_table(cells: Sequence[BenchmarkCell]) -> Table | None:
    """What every cell rests on, and what of its protocol is not that of all cells."""
    if not cells:
        return None
    shared = shared_protocol(cells).split("; ")
    groups = tuple(
        RowGroup(system, tuple(_cell_row(cell, shared) for cell in cells if cell.system == system))
        for system in dict.fromkeys(cell.system for cell in cells)
    )
    columns = ("Tested on", "Its own protocol", "Run")
    notes = (f"Protocol of all cells: {'; '.join(shared)}.",) if any(shared) else ()
    return Table("How every cell came about", "Cell", columns, groups, notes, textual=True)


def _cell_row(cell: BenchmarkCell, shared: Sequence[str]) -> Row:
    size = [counted(cell.n_patients, "patient"), counted(cell.n_images, "image")]
    size += [counted(cell.folds, "fold")] if cell.folds else []
    size += [counted(cell.seeds, "seed")] if cell.seeds > 1 else []
    own = "; ".join(part for part in cell.protocol.rstrip(". ").split("; ") if part not in shared)
    cells = (Cell(", ".join(size)), Cell(own or NOT_AVAILABLE), Cell(cell.run or NOT_AVAILABLE))
    return Row(f"{_title(cell.train)} to {title_of(cell.test)}", cells)
