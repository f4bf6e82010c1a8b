"""What became of each epoch: history.csv and curves.png."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retseg.core.paths import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HISTORY = "history.csv"
CURVES = "curves.png"

# From Okabe and Ito's palette, which colour-blind readers tell apart; dashes and markers tell the lines apart in grey.
_BLUE, _VERMILION, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#666666"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of history.csv. None stands for what was not measured.

    Attributes:
        epoch: Its number, from 1.
        train_loss: Mean loss over the epoch's batches, as they were trained on. With nll it is the mean over pixels;
            the lecture printed a tenth of it.
        validation_loss: The same loss on the validation patients, without augmentation.
        validation_dice: Highest pooled Dice of the positive class over all thresholds; without a positive class the
            mean Dice of the scored classes that occur.
        validation_auc: Area under the ROC curve of the positive class, pooled.
        test_loss: Loss on the test images resized to the patch size. It chooses nothing and is not a score.
        learning_rate: That of the epoch's last step.
        seconds: Time in training since its start, without interruptions.
    """

    epoch: int
    train_loss: float
    validation_loss: float | None
    validation_dice: float | None
    validation_auc: float | None
    test_loss: float | None
    learning_rate: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary that `from_json` reads back, to the last digit."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Epoch:
        """Reads what `to_json` wrote."""
        return cls(**data)


def write_history(folder: Path, epochs: Sequence[Epoch]) -> None:
    """Writes history.csv, whole or not at all. What was not measured is an empty field."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    for epoch in epochs:
        writer.writerow({name: _figure(value) for name, value in asdict(epoch).items()})
    write_atomically(folder / HISTORY, text.getvalue())


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.7g}"


def write_curves(folder: Path, epochs: Sequence[Epoch], kept: int, title: str) -> None:
    """Draws curves.png: the losses above, the validation scores below where there are any; `kept` is marked."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    scored = any(e.validation_dice is not None for e in epochs)
    figure = Figure(figsize=(8, 7 if scored else 4), dpi=110)
    figure.subplots_adjust(left=0.1, right=0.97, top=0.94, bottom=0.08 if scored else 0.13, hspace=0.08)
    FigureCanvasAgg(figure)
    grid = figure.subplots(2 if scored else 1, 1, sharex=True, squeeze=False)
    losses, scores = grid[0, 0], grid[-1, 0]
    _draw(losses, epochs, "train_loss", "training", _BLUE, "-", "o")
    _draw(losses, epochs, "validation_loss", "validation", _VERMILION, "--", "s")
    _draw(losses, epochs, "test_loss", "test images, resized (a curve, not a score)", _GREEN, ":", "^")
    losses.set_ylabel("Loss")
    if _spans_a_decade(epochs):
        losses.set_yscale("log")
    losses.set_title(title)
    if scored:
        _draw(scores, epochs, "validation_dice", "validation Dice", _VERMILION, "-", "o")
        _draw(scores, epochs, "validation_auc", "validation AUC", _BLUE, "--", "s")
        scores.set_ylabel("Validation score")
    for axes in {losses, scores}:
        axes.axvline(kept, color=_GREY, linewidth=1, linestyle="-.", label=f"kept: epoch {kept}")
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.legend(loc="best", framealpha=0.9)
    scores.set_xlabel("Epoch")
    scores.xaxis.get_major_locator().set_params(integer=True)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    write_atomically(folder / CURVES, picture.getvalue())


def _spans_a_decade(epochs: Sequence[Epoch]) -> bool:
    """Whether a logarithmic axis has anything to show that a plain one would squeeze."""
    losses = [loss for e in epochs for loss in (e.train_loss, e.validation_loss, e.test_loss) if loss is not None]
    return min(losses) > 0 and max(losses) > 10 * min(losses)


def _draw(axes: Axes, epochs: Sequence[Epoch], column: str, label: str, colour: str, style: str, marker: str) -> None:
    points = [(e.epoch, value) for e in epochs if (value := getattr(e, column)) is not None]
    if points:
        x, y = zip(*points, strict=True)
        # Few markers, so that the line stays visible; one epoch alone still shows.
        every = max(1, len(points) // 12)
        axes.plot(x, y, color=colour, linestyle=style, marker=marker, markersize=4, markevery=every, label=label)
