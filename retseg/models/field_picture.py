"""Draws receptive fields: the theoretical one as a square, the effective one as heat."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retseg.core.paths import write_atomically
from retseg.core.types import UInt8Array
from retseg.models.effective_field import EffectiveField

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOLDING = (0.5, 0.95)
"""Shares of the gradient whose squares are drawn and printed."""

# From Okabe and Ito's palette, which colour-blind readers tell apart; dashes tell the squares apart in grey.
_THEORY, _COLOURS, _DASHES = "#D55E00", ("#009E73", "#56B4E9"), ("-", "--")
_THEORETICAL = "theoretical field"
_GRID = "#D8D8D8"
_WIDTH, _HEIGHT, _DOTS_PER_INCH, _TITLE = 6.4, 6.6, 110, 11
_MOST_LINES = 64
_SMALL = 6
"""A field this many times smaller than the input is shown from close by, too."""
_DIMMED = 0.6
_CLOSEST = 16
"""Pixels across the closest view."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldPicture:
    """What to draw.

    Attributes:
        title: What the picture is called.
        shape: Height and width of the input in pixels.
        multiple: What the input's sides are multiples of; the grid's lines stand this far apart.
        field: Height and width of the theoretical field, None where it has no bound.
        photograph: (H, W, 3) uint8 under the field, of `shape`; None draws the grid alone.
        effective: The effective field on that photograph.
    """

    title: str
    shape: tuple[int, int]
    multiple: int
    field: tuple[int, int] | None
    photograph: UInt8Array | None = None
    effective: EffectiveField | None = None

    @property
    def centre(self) -> tuple[int, int]:
        """Row and column of the pixel whose field it is."""
        return self.effective.centre if self.effective else (self.shape[0] // 2, self.shape[1] // 2)


def write_field_picture(path: Path, picture: FieldPicture) -> None:
    """Writes the picture as PNG: the theoretical field on the whole input, and beside it the effective one.

    Where there is no effective one, a small theoretical field is shown from close by.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    small = picture.field is not None and max(picture.field) * _SMALL < max(picture.shape)
    panels = 2 if small or picture.effective is not None else 1
    figure = Figure(figsize=(_WIDTH * panels, _HEIGHT), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(picture.title)
    whole, *beside = figure.subplots(1, panels, squeeze=False)[0]
    _draw_input(whole, picture, step=picture.multiple)
    _draw_theory(whole, picture, fill=picture.photograph is None)
    _finish(whole, picture, _limits(picture, whole=True))
    for axes in beside:
        if picture.effective is not None:
            _draw_heat(axes, picture, picture.effective)
        else:
            _draw_input(axes, picture, step=1)
            _draw_theory(axes, picture, fill=True)
            axes.set_title("From close by: each square is a pixel", fontsize=_TITLE)
        _finish(axes, picture, _limits(picture, whole=False))
    labelled = [axes.get_legend_handles_labels() for axes in (whole, *beside)]
    entries = {label: handle for handles, labels in labelled for handle, label in zip(handles, labels, strict=True)}
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=4, frameon=False)
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    write_atomically(path, data.getvalue())


def _draw_input(axes: Axes, picture: FieldPicture, *, step: int) -> None:
    """The photograph in grey, or else lines every `step` pixels, as far as there is room between them."""
    height, width = picture.shape
    if picture.photograph is not None:
        axes.imshow(picture.photograph.mean(axis=2), cmap="gray", vmin=0, vmax=255)
    else:
        shown = max(picture.shape) if step == picture.multiple else max(picture.field or picture.shape)
        while shown / step > _MOST_LINES:
            step *= 2
        across, down = np.arange(0, width + 1, step) - 0.5, np.arange(0, height + 1, step) - 0.5
        axes.vlines(across, -0.5, height - 0.5, color=_GRID, linewidth=0.6, zorder=0)
        axes.hlines(down, -0.5, width - 0.5, color=_GRID, linewidth=0.6, zorder=0)
    _square(axes, (height // 2, width // 2), (height, width), "black", "-", "the input")


def _draw_theory(axes: Axes, picture: FieldPicture, *, fill: bool) -> None:
    row, column = picture.centre
    if picture.field is None:
        axes.set_title("Theoretical receptive field: no bound found", fontsize=_TITLE)
        _square(axes, (row, column), picture.shape, _THEORY, "-", "theoretical field: the whole input", fill=fill)
    else:
        words = f"{picture.field[0]} x {picture.field[1]} pixels"
        axes.set_title(f"Theoretical receptive field: {words}", fontsize=_TITLE)
        _square(axes, (row, column), picture.field, _THEORY, "-", _THEORETICAL, fill=fill)
    if picture.field is not None or picture.effective is not None:
        axes.scatter(column, row, 60, marker="+", color="black", linewidths=1.5, label="the output pixel")


def _draw_heat(axes: Axes, picture: FieldPicture, effective: EffectiveField) -> None:
    from matplotlib.colors import PowerNorm

    share = effective.heat / (effective.heat.max() or 1.0)
    if picture.photograph is not None:
        axes.imshow(picture.photograph.mean(axis=2), cmap="gray", vmin=0, vmax=255 / _DIMMED)
    # The square root makes the long, faint skirt visible; the photograph shows through where it is faintest.
    heat = axes.imshow(share, cmap="inferno", norm=PowerNorm(0.5, 0, 1), alpha=np.minimum(1, 4 * np.sqrt(share)))
    scale = axes.figure.colorbar(heat, ax=axes, fraction=0.046, pad=0.02)
    scale.set_label("gradient as a share of its peak (square-root scale)")
    # Below the others, whose dashes stay visible where they coincide.
    if picture.field is not None:
        _square(axes, effective.centre, picture.field, _THEORY, "-", _THEORETICAL)
    for part, colour, dash in zip(HOLDING, _COLOURS, _DASHES, strict=True):
        if side := effective.side_holding(part):
            _square(axes, effective.centre, (side, side), colour, dash, f"{part:.0%} of the gradient: {side} x {side}")
    axes.set_title("Effective receptive field: gradient of the centre's logits", fontsize=_TITLE)


def _square(
    axes: Axes,
    centre: tuple[int, int],
    sides: tuple[int, int],
    colour: str,
    dash: str,
    label: str,
    *,
    fill: bool = False,
) -> None:
    from matplotlib.patches import Rectangle

    # Along whole pixels; an even side reaches one pixel further up and to the left.
    corner = (centre[1] - sides[1] // 2 - 0.5, centre[0] - sides[0] // 2 - 0.5)
    if fill:
        axes.add_patch(Rectangle(corner, sides[1], sides[0], facecolor=colour, alpha=0.2))
    axes.add_patch(
        Rectangle(corner, sides[1], sides[0], fill=False, edgecolor=colour, linestyle=dash, linewidth=2, label=label)
    )


def _limits(picture: FieldPicture, *, whole: bool) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of what is shown: the field, and the whole input or a little around the field."""
    (row, column), field = picture.centre, picture.field or picture.shape
    down, right = (max(side, _CLOSEST) / 2 for side in field)
    left, top, end, bottom = column - right, row - down, column + right, row + down
    if whole:
        left, top = min(left, -0.5), min(top, -0.5)
        end, bottom = max(end, picture.shape[1] - 0.5), max(bottom, picture.shape[0] - 0.5)
    margin = 0.03 * max(end - left, bottom - top)
    return left - margin, end + margin, bottom + margin, top - margin


def _finish(axes: Axes, picture: FieldPicture, limits: tuple[float, float, float, float]) -> None:
    axes.set_xlim(limits[0], limits[1])
    axes.set_ylim(limits[2], limits[3])
    axes.set_aspect("equal")
    axes.set_xlabel(f"pixels of the {picture.shape[0]} x {picture.shape[1]} input")
