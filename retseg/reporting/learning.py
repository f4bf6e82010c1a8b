"""How it learned: what each net made of a few photographs after some epochs, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from retseg.imaging.io import read_image
from retseg.reporting.figures import MOST_CURVES
from retseg.reporting.images import fitted_size, jpeg
from retseg.reporting.making import fact
from retseg.reporting.run_files import RunRecord
from retseg.reporting.subjects import plural, themselves, who
from retseg.reporting.view_models import Chapter, Panel
from retseg.reporting.wording import listed

GRID = "snapshots.png"
"""The picture that a training leaves in its folder: a row for each photograph, a column for each epoch."""

_ID = "learning"
_WIDTH, _WIDTH_OF_MANY = 1800, 1200
_QUALITY = 85
_WHOSE = {
    "validation": "The photographs {were} set aside: no net was trained on them, but they chose the epoch.",
    "train": "The photographs are{of} that the net was trained on, so what it makes of them is no test.",
}


def learning_chapter(records: Sequence[RunRecord]) -> Chapter | None:
    """Each training's grid of snapshots, or None where no training kept any. Those of many runs are folded away."""
    known = [(record, path) for record in records if (path := _grid(record)) is not None]
    if not known:
        return None
    many = len(known) > MOST_CURVES
    width = _WIDTH_OF_MANY if many else _WIDTH
    panels = tuple(_panel(record, path, n, width) for n, (record, path) in enumerate(known, start=1))
    whose = {str(fact(record, "snapshots_of")) for record, _ in known}
    remarks = ["A row is a photograph: itself, its reference, then what the net made of it after some of the epochs."]
    if len(whose) == 1:
        remarks += [_of_whom(one, known[0][0].subject) for one in whose if one in _WHOSE]
    return Chapter(
        id=_ID,
        heading="How it learned",
        contents="How it learned",
        remarks=tuple(remarks),
        panels=() if many else panels,
        folded_panels=panels if many else (),
    )


def _of_whom(part: str, subject: str) -> str:
    """Whether the net was trained on the photographs of the grids."""
    if themselves(subject):
        return _WHOSE[part].format(were="were", of=" some")
    of = f" of {plural(subject)}"
    return _WHOSE[part].format(were=f"are{of} {who(subject)} were", of=of)


def _grid(record: RunRecord) -> Path | None:
    folder = record.folders.train
    return folder / GRID if folder is not None and (folder / GRID).is_file() else None


def _panel(record: RunRecord, path: Path, number: int, width: int) -> Panel:
    grid = read_image(path)
    height, width = fitted_size(grid, width)
    # Not by area as other pictures are, since the words in it would become hard to read.
    small = np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.LANCZOS))
    picture = jpeg(small, _QUALITY, sharp_colours=True)
    epochs = [str(epoch) for epoch in fact(record, "snapshots") or ()]
    when = f" after epoch{'s' if len(epochs) > 1 else ''} {listed(epochs)}" if epochs else ""
    return Panel(
        id=f"{_ID}-{number}",
        source=picture.source,
        width=picture.width,
        height=picture.height,
        alt=f"A few photographs, their references, and what {record.name} made of them{when}",
        caption=record.name,
        back=_ID,
    )
