"""What lies behind and below: sky, hills, trees, buildings, and the ground from the horizon down."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from retseg.datasets.synthetic.drawing import materials as look
from retseg.datasets.synthetic.drawing.canvas import Canvas, Material
from retseg.datasets.synthetic.drawing.materials import Colour, mixed, varied
from retseg.datasets.synthetic.drawing.outlines import blob, box, ellipse, limb, polygon, skyline

_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((0.33, 0.53, 0.85), (0.72, 0.83, 0.94)),
    ((0.5, 0.66, 0.88), (0.83, 0.89, 0.94)),
    ((0.74, 0.77, 0.82), (0.86, 0.87, 0.89)),
)
_WALLS: tuple[Colour, ...] = (
    (0.62, 0.36, 0.26),
    (0.76, 0.68, 0.54),
    (0.7, 0.66, 0.62),
    (0.52, 0.32, 0.25),
    (0.8, 0.76, 0.68),
)


class Land:
    """A scene's background, painted from the back to the front.

    Args:
        rng: Draws every shape and colour.
        canvas: What is painted on.
        label: The label of each class by its name.
        clutter: The label of what nobody labels.
    """

    def __init__(self, rng: Generator, canvas: Canvas, label: Mapping[str, int], clutter: int | None) -> None:
        self.rng, self.canvas, self.label, self.clutter = rng, canvas, label, clutter
        self.right, self.bottom = canvas.width + 0.03, canvas.height + 0.03

    def sky(self, horizon: float) -> None:
        """From the top down to a little below the horizon."""
        top, low = _SKIES[int(self.rng.choice(3, p=[0.45, 0.35, 0.2]))]
        clouds = float(self.rng.uniform(0.0, 0.65))
        material = look.sky(varied(self.rng, top, 0.04), varied(self.rng, low, 0.02), clouds)
        self.canvas.paint(box(-0.03, -0.03, self.right, horizon + 0.05), material, self.label["sky"])

    def ground(self, kind: str, horizon: float, *, uneven: float = 0.01) -> None:
        """Grass, road or water from the horizon to the lower edge; water is level."""
        rise = 0.0 if kind == "water" else uneven
        outline = skyline(self.rng, self.canvas.width, horizon, rise, self.bottom, 4)
        self.canvas.paint(outline, self.surface(kind), self.label[kind])

    def surface(self, kind: str) -> Material:
        """The material of grass, road or water."""
        rng = self.rng
        if kind == "grass":
            green: Colour = varied(rng, ((0.34, 0.5, 0.16), (0.44, 0.55, 0.22), (0.28, 0.42, 0.14))[rng.integers(3)])
            return look.grass(green, float(rng.uniform(0.1, 0.17)), dryness=float(rng.uniform(0.0, 0.3)))
        if kind == "water":
            colour = varied(rng, ((0.22, 0.38, 0.52), (0.3, 0.45, 0.5), (0.36, 0.46, 0.58))[int(rng.integers(3))])
            return look.water(colour, float(rng.uniform(0.06, 0.13)), float(rng.uniform(0.1, 0.5)))
        grey: Colour = ((0.46, 0.46, 0.48), (0.56, 0.54, 0.52), (0.4, 0.4, 0.43))[int(rng.integers(3))]
        return look.road(varied(rng, grey, 0.05))

    def hills(self, horizon: float) -> None:
        """A far line of woods on the horizon."""
        height = float(self.rng.uniform(0.03, 0.09))
        green = mixed(varied(self.rng, (0.2, 0.33, 0.14)), (0.5, 0.58, 0.66), float(self.rng.uniform(0.0, 0.3)))
        outline = skyline(self.rng, self.canvas.width, horizon - height, height, horizon + 0.04, 9)
        self.canvas.paint(outline, look.foliage(green, 0.2, 0.02), self.label["tree"])

    def mountain(self, horizon: float) -> None:
        """One to three peaks of rock, with snow on the highest."""
        rng, width = self.rng, self.canvas.width
        colour = varied(rng, ((0.42, 0.4, 0.44), (0.5, 0.42, 0.36), (0.36, 0.4, 0.48))[int(rng.integers(3))])
        snow = float(rng.choice([0.0, 0.3, 0.45]))
        for _ in range(int(rng.integers(2, 4))):
            peak = float(rng.uniform(0.1, 0.9)) * width
            height = float(rng.uniform(0.2, 0.42)) * min(1.0, horizon / 0.45)
            x = np.linspace(-1.3, 1.3, 40)
            ridge = height * np.maximum(1 - np.abs(x) ** float(rng.uniform(0.85, 1.1)), -0.3)
            jags = rng.normal(0, 0.012, 40) + 0.02 * np.sin(9 * x + rng.uniform(0, 6))
            line = np.stack([peak + x * height * float(rng.uniform(1.4, 2.1)), horizon - ridge - jags], axis=1)
            foot = np.array([[line[-1, 0], horizon + 0.06], [line[0, 0], horizon + 0.06]])
            self.canvas.paint(np.concatenate([line, foot]), look.rock(colour, snow), self.label["mountain"])

    def tree(self, x: float, foot: float, size: float) -> None:
        """One tree: a trunk and a crown, or a fir."""
        rng, label = self.rng, self.label["tree"]
        bark = look.coat(varied(rng, (0.3, 0.21, 0.14), 0.1), hair=0.12)
        green = varied(rng, ((0.2, 0.37, 0.11), (0.3, 0.42, 0.13), (0.15, 0.29, 0.13))[int(rng.integers(3))], 0.08)
        leaves = look.foliage(green, float(rng.uniform(0.25, 0.4)), 0.035)
        self.canvas.shade(ellipse((x, foot), 0.3 * size, 0.03 * size), 0.6, 0.5)
        self.canvas.paint(limb((x, foot), (x, foot - 0.6 * size), 0.09 * size, 0.05 * size), bark, label)
        if rng.random() < 0.25:
            for step in range(4):
                top, wide = foot - size * (1.05 - 0.2 * step), size * (0.12 + 0.07 * step)
                tier = [(x, top), (x + wide, top + 0.32 * size), (x - wide, top + 0.32 * size)]
                self.canvas.paint(polygon(tier), leaves, label)
            return
        for dx, dy, reach in ((-0.2, 0.5, 0.24), (0.2, 0.52, 0.24), (0.0, 0.68, 0.32)):
            crown = blob(rng, (x + dx * size, foot - dy * size), reach * size * 1.05, reach * size, 0.22, 9)
            self.canvas.paint(crown, leaves, label)

    def woods(self, horizon: float) -> None:
        """A row of trees along the horizon."""
        x = float(self.rng.uniform(-0.1, 0.1))
        while x < self.canvas.width + 0.1:
            size = float(self.rng.uniform(0.22, 0.42))
            self.tree(x, horizon + 0.015, size)
            x += size * float(self.rng.uniform(0.4, 1.0))

    def building(self, left: float, right: float, top: float, foot: float) -> None:
        """A house with rows of windows, a door, and a roof or a ledge."""
        rng, label = self.rng, self.label["building"]
        wall = varied(rng, _WALLS[int(rng.integers(len(_WALLS)))], 0.07)
        material = look.bricks(wall) if rng.random() < 0.45 else look.render(wall)
        self.canvas.paint(box(left, top, right, foot), material, label)
        width = right - left
        dark = look.plain(mixed(wall, (0.2, 0.13, 0.12), 0.65), 0.3, 0.06)
        if rng.random() < 0.5:
            ridge = top - float(rng.uniform(0.12, 0.3)) * min(width, 0.7)
            gable = [(left - 0.02, top + 0.01), (left + 0.25 * width, ridge), (right - 0.25 * width, ridge)]
            self.canvas.paint(polygon([*gable, (right + 0.02, top + 0.01)]), dark, label)
        else:
            self.canvas.paint(box(left - 0.01, top - 0.02, right + 0.01, top + 0.015), dark, label)
        self._windows(left, right, top, foot, wall)

    def _windows(self, left: float, right: float, top: float, foot: float, wall: Colour) -> None:
        rng, label = self.rng, self.label["building"]
        pitch = float(rng.uniform(0.12, 0.19))
        columns, rows = max(1, int((right - left) / pitch)), max(1, int((foot - top) / (1.25 * pitch)))
        glass, frame = varied(rng, (0.2, 0.25, 0.32), 0.1), mixed(wall, (0.95, 0.95, 0.93), 0.6)
        dx, dy = (right - left) / columns, (foot - top) / rows
        door = int(rng.integers(columns))
        for row in range(rows):
            for column in range(columns):
                x, y = left + (column + 0.5) * dx, top + (row + 0.48) * dy
                half, tall = 0.24 * dx, 0.3 * dy
                if row == rows - 1 and column == door:
                    leaf = varied(rng, (0.33, 0.2, 0.13), 0.15)
                    self.canvas.paint(box(x - half, y - 0.6 * tall, x + half, foot), look.plain(leaf), label)
                    continue
                self.canvas.paint(
                    box(x - 1.2 * half, y - 1.12 * tall, x + 1.2 * half, y + 1.15 * tall), look.plain(frame, 0), label
                )
                pane = mixed(glass, (0.6, 0.7, 0.8), float(rng.uniform(0, 0.5)))
                self.canvas.paint(box(x - half, y - tall, x + half, y + tall), look.plain(pane, 0.6), label)
                self.canvas.paint(
                    box(x - 0.05 * half, y - tall, x + 0.05 * half, y + tall), look.plain(frame, 0), label
                )

    def town(self, horizon: float, low: float = 0.2, high: float = 0.5) -> None:
        """Houses side by side along the horizon."""
        x = float(self.rng.uniform(-0.2, 0.0))
        while x < self.canvas.width:
            width = float(self.rng.uniform(0.3, 0.7))
            top = horizon - float(self.rng.uniform(low, high))
            self.building(x, x + width, max(top, -0.05), horizon + 0.015)
            x += width

    def wall(self, foot: float) -> None:
        """One wall from the top of the picture down to `foot`, near enough to show its bricks."""
        rng = self.rng
        colour = varied(rng, _WALLS[int(rng.integers(len(_WALLS)))], 0.07)
        material = look.bricks(colour, 0.045) if rng.random() < 0.6 else look.render(colour, 0.06)
        self.canvas.paint(box(-0.03, -0.03, self.right, foot + 0.03), material, self.label["building"])
        if rng.random() < 0.6:
            left = float(rng.uniform(0, 0.5)) * self.canvas.width
            self._windows(left, left + 0.3, -0.1, min(foot - 0.1, 0.5), colour)

    def room(self, foot: float | None) -> None:
        """An indoor wall, which nobody labels, with a picture or a curtain; and a floor from `foot` down."""
        rng = self.rng
        walls: tuple[Colour, ...] = ((0.78, 0.74, 0.64), (0.6, 0.66, 0.66), (0.68, 0.56, 0.46), (0.46, 0.44, 0.48))
        colour = varied(rng, walls[int(rng.integers(4))], 0.08)
        everywhere = box(-0.03, -0.03, self.right, self.bottom)
        self.canvas.paint(everywhere, look.render(colour, 0.05), self.clutter)
        x = float(rng.uniform(0, self.canvas.width - 0.3))
        if rng.random() < 0.5:
            curtain = look.striped(mixed(colour, (0.5, 0.2, 0.2), 0.4), mixed(colour, (0.2, 0.1, 0.1), 0.5), 0.06)
            self.canvas.paint(box(x, -0.03, x + 0.35, self.bottom), curtain, self.clutter)
        else:
            frame, art = look.plain((0.3, 0.2, 0.12)), look.plain(varied(rng, (0.5, 0.55, 0.45), 0.3), 0.8, 0.15)
            self.canvas.paint(box(x, 0.08, x + 0.32, 0.34), frame, self.clutter)
            self.canvas.paint(box(x + 0.02, 0.1, x + 0.3, 0.32), art, self.clutter)
        if foot is not None:
            boards = varied(rng, ((0.56, 0.38, 0.22), (0.6, 0.5, 0.4), (0.42, 0.3, 0.24))[int(rng.integers(3))])
            floor = look.striped(boards, mixed(boards, (0.1, 0.05, 0.02), 0.35), 0.07, upright=False, soft=2.5)
            self.canvas.paint(box(-0.03, foot, self.right, self.bottom), floor, self.clutter)

    def odds_and_ends(self, horizon: float, count: int) -> None:
        """Stones, bins, posts and boxes that nobody labels."""
        rng = self.rng
        for _ in range(count):
            x, y = float(rng.uniform(0, self.canvas.width)), float(rng.uniform(horizon + 0.05, self.canvas.height))
            near = 0.4 + 0.9 * (y - horizon)
            kind = int(rng.integers(4))
            if kind == 0:
                stone = blob(rng, (x, y), 0.06 * near, 0.035 * near, 0.2)
                self.canvas.paint(stone, look.render(varied(rng, (0.5, 0.47, 0.44), 0.1), 0.15), self.clutter)
            elif kind == 1:
                post = limb((x, y), (x, y - 0.3 * near), 0.03 * near, 0.03 * near)
                self.canvas.paint(post, look.coat(varied(rng, (0.42, 0.3, 0.2), 0.1)), self.clutter)
            elif kind == 2:
                crate = box(x - 0.06 * near, y - 0.1 * near, x + 0.06 * near, y)
                self.canvas.paint(crate, look.plain(varied(rng, (0.62, 0.5, 0.32), 0.15), 0.4), self.clutter)
            else:
                bin_ = polygon([(x - 0.05, y - 0.16), (x + 0.05, y - 0.16), (x + 0.04, y), (x - 0.04, y)])
                shrunk = (bin_ - np.array([x, y])) * near + np.array([x, y])
                self.canvas.paint(shrunk, look.plain(varied(rng, (0.2, 0.28, 0.26), 0.2), 0.5), self.clutter)
