"""Vessel density of systems and observers against the reference, as Bland and Altman plot it: difference by mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from retseg.reporting.figures import ticks
from retseg.reporting.numbers import mapping_in, number_in
from retseg.reporting.plane_chart import Axis, Guide, Point, plane_chart
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import protocol_notes
from retseg.reporting.view_models import HUMAN_HUE, Cell, Chapter, Chart, Row, RowGroup, Table
from retseg.reporting.wording import NOT_AVAILABLE, counted, score

_WIDE = 1.96
_PER_CENT = 100
_SIZE = 230.0


@dataclass(frozen=True, slots=True)
class Densities:
    """Vessel densities in per cent of the field of view: whose, and for each image (own, the reference's)."""

    name: str
    reference: str
    pairs: Mapping[str, tuple[float, float]]
    hue: int

    @property
    def means(self) -> list[float]:
        """Mean of both, image by image."""
        return [(own + other) / 2 for own, other in self.pairs.values()]

    @property
    def differences(self) -> list[float]:
        """Own minus the reference's, image by image."""
        return [own - other for own, other in self.pairs.values()]

    @property
    def bias(self) -> float:
        """Mean difference."""
        return fmean(self.differences)

    @property
    def limits(self) -> tuple[float, float] | None:
        """Limits of agreement: bias and 1.96 sample standard deviations either way; None for a single image."""
        if len(self.pairs) < 2:
            return None
        spread = _WIDE * stdev(self.differences)
        return self.bias - spread, self.bias + spread


def density_chapter(records: Sequence[RunRecord]) -> Chapter | None:
    """A plot of each system and each further observer on common axes, and their figures; None without densities."""
    known = densities(records)
    if not known:
        return None
    across, up = _axes(known)
    charts = [_chart(number, one, across, up) for number, one in enumerate(known)]
    return Chapter(
        id="density",
        heading="Vessel density",
        contents="Vessel density",
        remarks=(
            "The share of the field of view that is vessel, against the reference observer: each dot is one image, its "
            "height the difference from the reference, its place the mean of both (Bland–Altman). All plots have the "
            "same axes.",
            "Bias and limits of agreement (mean ± 1.96 standard deviations of the differences) are computed for this "
            "page from the densities of the images in summary.json. Images of one patient count as separate.",
        ),
        charts=tuple(chart for chart in charts if chart is not None),
        tables=(_table(known, records),),
    )


def densities(records: Sequence[RunRecord]) -> list[Densities]:
    """Each system against the reference, then each further observer, from the first run that has it."""
    found: list[Densities] = []
    others: dict[str, Densities] = {}
    for number, record in enumerate(records):
        own, reference, humans = _read(record)
        if own:
            found.append(Densities(record.name, reference, own, number))
        for name, pairs in humans.items():
            others.setdefault(name, Densities(f"{name} (human observer)", reference, pairs, HUMAN_HUE))
    return [*found, *others.values()]


Pairs = dict[str, tuple[float, float]]


def _read(record: RunRecord) -> tuple[Pairs, str, dict[str, Pairs]]:
    """The system's pairs, the reference's name, and every further observer's pairs, in per cent."""
    own: Pairs = {}
    humans: dict[str, Pairs] = {}
    reference = ""
    rows = record.summary.get("density")
    for row in rows if isinstance(rows, list) else ():
        image = str(mapping_in(row).get("id"))
        drawn = {str(n): number_in(v) for n, v in mapping_in(mapping_in(row).get("observers")).items()}
        first = next(iter(drawn), "")
        truth = drawn.get(first)
        if truth is None:
            continue
        reference = reference or first
        system = number_in(mapping_in(row).get("system"))
        if system is not None:
            own[image] = (system * _PER_CENT, truth * _PER_CENT)
        for name, share in drawn.items():
            if name != first and share is not None:
                humans.setdefault(name, {})[image] = (share * _PER_CENT, truth * _PER_CENT)
    return own, reference, humans


def _axes(known: Sequence[Densities]) -> tuple[Axis, Axis]:
    means = [value for one in known for value in one.means]
    differences = [value for one in known for value in (0.0, *one.differences, *(one.limits or ()))]
    across = ticks(min(means), max(means), 6, outward=True)
    up = ticks(min(differences), max(differences), 6, outward=True)
    return (
        Axis("Mean of both densities, % of the field of view", across[0], across[-1]),
        Axis("Difference from the reference, percentage points", up[0], up[-1]),
    )


def _chart(number: int, one: Densities, across: Axis, up: Axis) -> Chart | None:
    lower, upper = one.limits or (None, None)
    return plane_chart(
        f"chart-density-{number}",
        f"{one.name} − {one.reference}",
        across,
        up,
        points=[
            Point(mean, difference, one.hue, "small-dot", tip=f"{image}: {score(difference, 2)} points")
            for image, mean, difference in zip(one.pairs, one.means, one.differences, strict=True)
        ],
        guides=[
            Guide((across.low, 0), (across.high, 0), dash=2),
            # Its words on the left and theirs on the right, so that they never cover each other.
            Guide((across.high, one.bias), (across.low, one.bias), text=f"bias {score(one.bias, 2)}", dash=0),
            *(
                Guide((across.low, at), (across.high, at), text=f"limit {score(at, 2)}", dash=1, below=at == lower)
                for at in (upper, lower)
                if at is not None
            ),
        ],
        description=f"{counted(len(one.pairs), 'image')}; {_in_words(one)}.",
        size=_SIZE,
    )


def _in_words(one: Densities) -> str:
    limits = one.limits
    bias = f"bias {score(one.bias, 2)} percentage points"
    return bias if limits is None else f"{bias}, limits of agreement {score(limits[0], 2)} to {score(limits[1], 2)}"


def _table(known: Sequence[Densities], records: Sequence[RunRecord]) -> Table:
    rows = []
    for one in known:
        limits = one.limits
        own = fmean([pair[0] for pair in one.pairs.values()])
        truth = fmean([pair[1] for pair in one.pairs.values()])
        between = NOT_AVAILABLE if limits is None else f"{score(limits[0], 2)} to {score(limits[1], 2)}"
        texts = (score(own, 2), score(truth, 2), score(one.bias, 2), between, str(len(one.pairs)))
        rows.append(Row(one.name, tuple(map(Cell, texts)), human=one.hue == HUMAN_HUE))
    references = dict.fromkeys(one.reference for one in known)
    return Table(
        caption="Vessel density in % of the field of view",
        corner="Drawn by",
        columns=("Mean density", f"Mean of {' / '.join(references)}", "Bias", "Limits of agreement", "Images"),
        groups=(RowGroup("", tuple(rows)),),
        notes=tuple(protocol_notes(records)),
    )
