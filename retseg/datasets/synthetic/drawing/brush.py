"""A brush: paints in a figure's own coordinates, with one label unless another is given."""

from __future__ import annotations

from dataclasses import dataclass

from retseg.datasets.synthetic.drawing.canvas import Canvas, Material
from retseg.datasets.synthetic.drawing.outlines import Outline, Place


@dataclass(frozen=True, slots=True)
class Brush:
    """Where a figure stands on which canvas, and the label of what it paints; None leaves labels as they are."""

    canvas: Canvas
    place: Place
    label: int | None

    def fill(self, outline: Outline, material: Material) -> None:
        """Paints and labels a part of the figure."""
        self.canvas.paint(self.place(outline), material, self.label)

    def detail(self, outline: Outline, material: Material, opacity: float = 1.0) -> None:
        """Paints without a label, such as a wheel's spokes or a shadow."""
        self.canvas.paint(self.place(outline), material, None, opacity=opacity)

    def mark(self, outline: Outline) -> None:
        """Labels without painting."""
        if self.label is not None:
            self.canvas.mark(self.place(outline), self.label)

    def shade(self, outline: Outline, light: float, blur: float = 0.0) -> None:
        """Darkens (below 1) or brightens (above 1) without a label; `blur` softens the rim."""
        self.canvas.shade(self.place(outline), light, blur)

    def labelled(self, label: int | None) -> Brush:
        """The same brush with another label."""
        return Brush(self.canvas, self.place, label)
