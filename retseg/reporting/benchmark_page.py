"""The matrix of training sets and test sets, as one self-contained page. It shows what travels to other cameras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from retseg.reporting.benchmark_files import NOT_A_TEST, Benchmark, BenchmarkCell, split_sets
from retseg.reporting.compare_views import BenchmarkPage, MatrixCell, interval
from retseg.reporting.making import title_of
from retseg.reporting.metric_headings import figure, heading, inline, lower_is_better, meanings, shape_metrics
from retseg.reporting.numbers import mapping_in, number_in
from retseg.reporting.page import write_page
from retseg.reporting.subjects import PATIENT, in_words_of, plural, size_of_sample
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import NOT_AVAILABLE, counted, listed, whole

NAME = "benchmark.html"

_DASH = "\N{EN DASH}"
_SPOKEN_OF, _SPOKEN_OF_SEVERAL = "dice", "iou"
_MOST_ROWS = 3
_NOT_COMPUTED = "Not computed"


def write_benchmark_page(table: Mapping[str, Any], out: Path) -> Path:
    """Writes `benchmark.html` into `out` and returns its path. `table` is what benchmark.json holds."""
    benchmark = Benchmark.of(table)
    cells = benchmark.filled
    page = BenchmarkPage(
        title=benchmark.title,
        subtitle=f"Trained on {_names(benchmark.train)}; tested on {_names(benchmark.test)}",
        banner=_banner(cells, benchmark.subject),
        summary=(" ".join(_summary(benchmark)),),
        tables=tuple(_matrix(benchmark, metric) for metric in benchmark.metrics),
        cells=_cells_table(cells, benchmark.subject),
        definitions=meanings(benchmark.metrics, benchmark.several),
        medical=benchmark.subject == PATIENT,
    )
    return write_page(NAME, out / NAME, page=page)


def shared_protocol(cells: Sequence[BenchmarkCell]) -> str:
    """What the protocol lines of all cells have in common."""
    lines = [cell.protocol.rstrip(". ").split("; ") for cell in cells if cell.protocol]
    shared = [part for part in lines[0] if part and all(part in line for line in lines)] if lines else []
    return "; ".join(shared)


def _names(sets: Sequence[str]) -> str:
    return listed([_title(name) for name in sets])


def _title(train: str) -> str:
    """A training set as people write it, several sets joined."""
    return " + ".join(map(title_of, split_sets(train)))


def _banner(cells: Sequence[BenchmarkCell], subject: str) -> str:
    wrong = [f"{cell.system}, {_title(cell.train)} to {title_of(cell.test)}" for cell in cells if cell.not_a_test]
    if not wrong:
        return ""
    return f"{NOT_A_TEST}: {plural(subject)} are scored that the system was fitted on ({'; '.join(wrong)})."


def _summary(benchmark: Benchmark) -> Iterator[str]:
    """What each training set gives on its own camera and on the others, and how much that is worth."""
    spoken_of = _SPOKEN_OF_SEVERAL if benchmark.several else _SPOKEN_OF
    metric = spoken_of if spoken_of in benchmark.metrics else next(iter(benchmark.metrics), "")
    cells = benchmark.filled
    if not cells:
        yield "No cell of this table has been computed."
        return
    known = [cell for cell in cells if cell.value(metric) is not None]
    if len(benchmark.rows) <= _MOST_ROWS:
        for system, train in benchmark.rows:
            yield from _row_words([c for c in known if (c.system, c.train) == (system, train)], metric, benchmark)
    else:
        yield from _range_words(known, metric, benchmark)
    if any(cell.weak for cell in cells):
        few = f"fewer than six {plural(benchmark.subject)}"
        yield f"A cell of {few} is marked as weak: it supports no claim of a difference."


def _row_words(row: Sequence[BenchmarkCell], metric: str, benchmark: Benchmark) -> Iterator[str]:
    """What one training set gives on its own camera and on the others."""
    parts = [
        f"{listed([f'{figure(metric, cell.value(metric))} on {title_of(cell.test)}' for cell in found])}, {camera}"
        for camera, found in _by_origin(row, benchmark.origin).items()
        if found
    ]
    if parts:
        reached = f"a {inline(metric, benchmark.several)} of {'; '.join(parts)}"
        yield f"{row[0].system} trained on {_title(row[0].train)} reaches {reached}."


def _range_words(cells: Sequence[BenchmarkCell], metric: str, benchmark: Benchmark) -> Iterator[str]:
    """Between what figures the cells of a kind lie, where there are too many rows to tell each."""
    for camera, found in _by_origin(cells, benchmark.origin).items():
        values = sorted(value for cell in found if (value := cell.value(metric)) is not None)
        if values:
            where = f"Where the system was tested on {camera}, {inline(metric, benchmark.several)} lies"
            cells_in = counted(len(values), "cell")
            yield f"{where} between {figure(metric, values[0])} and {figure(metric, values[-1])} ({cells_in})."


def _by_origin(cells: Sequence[BenchmarkCell], origin: str) -> dict[str, list[BenchmarkCell]]:
    return {
        f"its own {origin}": [cell for cell in cells if cell.same_camera],
        f"{origin}s that it never saw": [cell for cell in cells if not cell.same_camera],
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
    shared, subjects = in_words_of(shared_protocol(benchmark.filled), benchmark.subject), plural(benchmark.subject)
    first = "the mean over the images" if shape_metrics((metric,)) else "the figure over all pixels pooled"
    notes = [
        "Lower is better." if lower_is_better((metric,)) else "Higher is better.",
        _own_words(benchmark.origin),
        f"First {first}; in brackets its 95% interval, from a bootstrap over the n {subjects}. "
        f"A cell with folds was scored on {subjects} that each fold’s training left out.",
        *(f"{mark} {reason}." for reason, mark in reasons.items()),
    ]
    if shared:
        notes.append(f"Protocol: {shared}; what differs from cell to cell stands in the list of cells.")
    columns = tuple(f"on {title_of(name)}" for name in benchmark.test)
    return Table(heading(metric, benchmark.several), "Trained on", columns, groups, tuple(notes))


def _matrix_cell(benchmark: Benchmark, metric: str, place: tuple[str, str, str], reasons: dict[str, str]) -> MatrixCell:
    """A cell's figure with what it rests on; a dash with the mark of its reason where there is none."""
    cell = benchmark.cells.get(place)
    value = None if cell is None else cell.value(metric)
    if cell is None or value is None:
        reason = (cell.reason if cell else "") or (
            f"{heading(metric, benchmark.several)} is undefined here" if cell else _NOT_COMPUTED
        )
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
    lines += [f"own {benchmark.origin}"] if cell.same_camera else []
    lines += [NOT_A_TEST] if cell.not_a_test else []
    return MatrixCell(figure(metric, value), lines=tuple(line for line in lines if line), apart=cell.same_camera)


def _own_words(origin: str) -> str:
    if origin == "set":
        return (
            "Bold and marked as its own set: the system was trained on photographs of the same set. All other cells "
            "are of sets that it never saw."
        )
    return (
        "Bold and marked as its own camera: the system was trained on photographs of the same set’s camera. All other "
        "cells are of cameras that it never saw."
    )


def _cells_table(cells: Sequence[BenchmarkCell], subject: str) -> Table | None:
    """What every cell rests on, and what of its protocol is not that of all cells."""
    if not cells:
        return None
    shared = shared_protocol(cells).split("; ")
    groups = tuple(
        RowGroup(system, tuple(_cell_row(cell, shared, subject) for cell in cells if cell.system == system))
        for system in dict.fromkeys(cell.system for cell in cells)
    )
    columns = ("Tested on", "Its own protocol", "Run")
    notes = (f"Protocol of all cells: {in_words_of('; '.join(shared), subject)}.",) if any(shared) else ()
    return Table("How every cell came about", "Cell", columns, groups, notes, textual=True)


def _cell_row(cell: BenchmarkCell, shared: Sequence[str], subject: str) -> Row:
    size = [size_of_sample(cell.n_patients, cell.n_images, subject)]
    size += [counted(cell.folds, "fold")] if cell.folds else []
    size += [counted(cell.seeds, "seed")] if cell.seeds > 1 else []
    own = "; ".join(part for part in cell.protocol.rstrip(". ").split("; ") if part not in shared)
    cells = (Cell(", ".join(size)), Cell(in_words_of(own, subject) or NOT_AVAILABLE), Cell(cell.run or NOT_AVAILABLE))
    return Row(f"{_title(cell.train)} to {title_of(cell.test)}", cells)
