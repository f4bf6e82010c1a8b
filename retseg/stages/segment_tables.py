"""The tables of vessel segments: one line a segment, and one line an image."""

from __future__ import annotations

import csv
import io
import math
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from retseg.core.paths import explained_writes, write_atomically
from retseg.imaging.segments import EndKind, Segment, SegmentEnd, VesselGraph

SEGMENTS, SUMMARY = "segments.csv", "summary.csv"

_MEASURES = ("length", "chord", "mean_calibre", "median_calibre")
_PARTS = ".parts"

SEGMENT_COLUMNS = (
    "image", "id", *(f"{name}_px" for name in _MEASURES), "pixels",
    "start_x", "start_y", "start", "start_junction", "end_x", "end_y", "end", "end_junction",
)  # fmt: skip
"""Columns of segments.csv. Places count from the top left pixel, x to the right and y down."""

SEGMENT_SCALE = tuple(f"{name}_um" for name in _MEASURES)
"""Further columns of segments.csv where the scale of an image is known, in micrometres."""

SUMMARY_COLUMNS = (
    "image", "segments", "junctions", "end_points", "rim_ends", "rings", "total_length_px", "median_calibre_px",
)  # fmt: skip
"""Columns of summary.csv."""

SUMMARY_SCALE = ("total_length_um", "median_calibre_um", "um_per_pixel")
"""Further columns of summary.csv where the scale of an image is known, in micrometres."""

Row = list[str]


def write_part(folder: Path, identifier: str, graph: VesselGraph, um_per_pixel: float | None) -> None:
    """Keeps one image's lines of segments.csv until all are gathered."""
    text = io.StringIO()
    rows = (_segment_row(identifier, segment, um_per_pixel) for segment in graph.segments)
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_atomically(_part(folder, identifier), text.getvalue().encode("utf-8", "surrogateescape"))


def gather(folder: Path, identifiers: Iterable[str], scaled: bool) -> None:
    """Writes segments.csv from the parts, image by image in the order of `identifiers`, and removes the parts."""
    path = folder / SEGMENTS
    width = len(SEGMENT_COLUMNS) + (len(SEGMENT_SCALE) if scaled else 0)
    with explained_writes(path), path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*SEGMENT_COLUMNS, *SEGMENT_SCALE)[:width])
        for identifier in identifiers:
            with _part(folder, identifier).open(encoding="utf-8", errors="surrogateescape", newline="") as part:
                writer.writerows(row[:width] for row in csv.reader(part))
    shutil.rmtree(folder / _PARTS, ignore_errors=True)


def summary_row(identifier: str, graph: VesselGraph, um_per_pixel: float | None) -> Row:
    """One image's line of summary.csv, with the columns of the scale."""
    counts = (len(graph.segments), len(graph.junctions), *map(graph.ends, _COUNTED))
    measures = (graph.length, graph.median_calibre)
    scale = "" if um_per_pixel is None else f"{um_per_pixel:g}"
    return [identifier, *map(str, counts), *_numbers(measures), *_numbers(measures, um_per_pixel), scale]


_COUNTED = (EndKind.END_POINT, EndKind.RIM, EndKind.RING)


def write_summary(folder: Path, rows: Sequence[Row], scaled: bool) -> None:
    """Writes summary.csv."""
    columns = (*SUMMARY_COLUMNS, *SUMMARY_SCALE) if scaled else SUMMARY_COLUMNS
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *(row[: len(columns)] for row in rows)])
    write_atomically(folder / SUMMARY, text.getvalue().encode("utf-8", "surrogateescape"))


def _segment_row(identifier: str, segment: Segment, um_per_pixel: float | None) -> Row:
    measures = (segment.length, segment.chord, segment.mean_calibre, segment.median_calibre)
    ends = [*_end(segment.start), *_end(segment.end)]
    pixels = str(segment.pixels)
    scaled = _numbers(measures, um_per_pixel)
    return [identifier, str(segment.id), *_numbers(measures), pixels, *ends, *scaled]


def _end(end: SegmentEnd) -> Row:
    row, column = end.place
    return [str(column), str(row), end.kind.value, "" if end.junction is None else str(end.junction)]


def _numbers(values: Iterable[float], scale: float | None = 1.0) -> Row:
    """The values times the scale as text; empty where there is no value or no scale."""
    return ["" if scale is None or math.isnan(value) else f"{value * scale:.2f}" for value in values]


def _part(folder: Path, identifier: str) -> Path:
    return folder / _PARTS / f"{identifier}.csv"
