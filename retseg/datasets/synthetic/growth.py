"""Growing a vessel tree: trunks first, then ever finer branches, until blood reaches every part of the retina."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from retseg.core.types import BoolArray
from retseg.datasets.synthetic.anatomy import Anatomy, Traits
from retseg.datasets.synthetic.tree import Points, VesselTree, grown_tree, relaxed
from retseg.datasets.synthetic.trunks import draw_trunks

STEP = 90.0
"""Distance between the nodes of a tree in micrometres."""
CELL = 60.0
"""Width in micrometres of the cells in which trees remember where they have been."""
LEVELS = (4.2, 2.4, 1.5, 1.0)
"""Distances between the points that branches grow to, coarse to fine, in units of the finest distance."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The round retina in which vessels grow: centre and radius in micrometres; `photographed` is its inner part."""

    centre: tuple[float, float]
    radius: float
    photographed: float

    def inside(self, points: Points, radius: float | None = None) -> BoolArray:
        """Which points lie within the domain (or within `radius` of its centre)."""
        far = np.hypot(points[:, 0] - self.centre[0], points[:, 1] - self.centre[1])
        return np.asarray(far <= (radius or self.radius))


class Territory:
    """A grid of cells over the domain that says where vessels run, so that new ones keep clear of them."""

    def __init__(self, domain: Domain) -> None:
        self.origin = np.array(domain.centre) - domain.radius - 4 * CELL
        self.size = int(2 * domain.radius / CELL) + 9
        self.taken = np.zeros((self.size, self.size), bool)

    def _cells(self, points: Points) -> NDArray[np.int64]:
        return np.clip(((points - self.origin) / CELL).astype(np.int64), 1, self.size - 2)

    def take(self, points: Points) -> None:
        """Marks the cells of `points` and their neighbours as taken."""
        cells = self._cells(points)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                self.taken[cells[:, 1] + down, cells[:, 0] + right] = True

    def taken_at(self, points: Points) -> BoolArray:
        """Whether a vessel runs within about one and a half cells of each point."""
        cells = self._cells(points)
        return np.asarray(self.taken[cells[:, 1], cells[:, 0]])


class Growth:
    """A tree while it grows. Nodes are only ever appended, so parents come before their children."""

    def __init__(
        self, rng: Generator, anatomy: Anatomy, traits: Traits, domain: Domain, rival: Territory | None
    ) -> None:
        self.rng, self.anatomy, self.traits, self.domain, self.rival = rng, anatomy, traits, domain, rival
        self.territory = Territory(domain)
        self.count = 0
        self.points = np.empty((4096, 2))
        self.heading = np.empty((4096, 2))
        self.parent = np.empty(4096, np.int64)
        self.tip = np.empty(4096, bool)

    def append(self, path: Points, parent: int) -> None:
        """Adds a path of new nodes that leaves node `parent` (-1: a root); its first point follows the parent."""
        first, last = self.count, self.count + len(path)
        while last > len(self.parent):
            self.points = np.concatenate([self.points, np.empty_like(self.points)])
            self.heading = np.concatenate([self.heading, np.empty_like(self.heading)])
            self.parent = np.concatenate([self.parent, np.empty_like(self.parent)])
            self.tip = np.concatenate([self.tip, np.empty_like(self.tip)])
        before = self.points[parent] if parent >= 0 else 2 * path[0] - path[1]
        ahead = np.diff(np.vstack([before, path]), axis=0)
        self.points[first:last] = path
        self.heading[first:last] = ahead / np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-6)[:, None]
        self.parent[first:last] = np.arange(first - 1, last - 1)
        self.parent[first] = parent
        self.tip[first:last] = False
        self.tip[last - 1] = True
        if parent >= 0:
            self.tip[parent] = False
        self.count = last
        self.territory.take(path)

    def plant(self) -> None:
        """Lays the trunks. Those of one half share a stem on the disc and part from it one by one."""
        stems: dict[bool, int] = {}
        for trunk in draw_trunks(self.rng, self.anatomy, STEP, self._crowding):
            inside = self.domain.inside(trunk.points) | (np.hypot(*trunk.points.T) < 1500)
            points = trunk.points[: int(np.argmin(inside)) if not inside.all() else len(inside)]
            if trunk.upper in stems:
                shared = stems[trunk.upper] + int(self.rng.integers(2, 6))
                gap = np.hypot(*(points - self.points[shared]).T)
                start = next((i for i in range(1, len(points)) if gap[i] > 1.2 * STEP and i >= 3), len(points))
                self.append(points[start:], shared) if len(points) - start > 3 else None
            else:
                stems[trunk.upper] = self.count
                self.append(points, -1)

    def _crowding(self, points: Points) -> float:
        beyond_disc = points[(np.hypot(*points.T) > 1100) & self.domain.inside(points)]
        taken = 0.0 if not len(beyond_disc) else float(self.territory.taken_at(beyond_disc).mean())
        if self.rival is not None and len(beyond_disc):
            taken += float(self.rival.taken_at(beyond_disc).mean())
        return taken

    def reach(self, spacing: float) -> None:
        """Grows a branch to every spot of the domain that no vessel comes near, near the disc first."""
        targets = self._targets(spacing)
        far, _ = cKDTree(self.points[: self.count]).query(targets)
        targets = targets[far > 0.5 * spacing]
        order = np.argsort(np.hypot(targets[:, 0], targets[:, 1]) + self.rng.uniform(0, 4 * spacing, len(targets)))
        for target in targets[order]:
            self._grow_to(target, spacing)

    def _targets(self, spacing: float) -> Points:
        centre, radius = np.array(self.domain.centre), self.domain.radius
        ticks = np.arange(-radius, radius + spacing, spacing)
        grid = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2) + centre
        grid += self.rng.uniform(-0.5, 0.5, grid.shape) * spacing
        inside = self.domain.inside(grid)
        clear = np.hypot(*(grid - self.anatomy.fovea).T) > self.anatomy.avascular_radius + 120
        return np.asarray(grid[inside & clear & (np.hypot(*grid.T) > 1300)])

    def _grow_to(self, target: Points, spacing: float) -> None:
        away = target - self.points[: self.count]
        squared = np.einsum("ij,ij->i", away, away)
        if squared.min() < (0.5 * spacing) ** 2:
            return
        distance = np.sqrt(squared)
        along = np.einsum("ij,ij->i", away, self.heading[: self.count]) / distance
        tip = self.tip[: self.count]
        # A side branch leaves at 35 to 85 degrees best; a tip runs on straight; nothing turns back.
        unfit = np.where(tip, np.clip(0.75 - along, 0, None) * 1.5, np.abs(along - 0.45) * 0.9)
        against = np.clip(0.2 - away @ self._outward(target) / distance, 0, None)
        cost = distance * (1 + unfit + 0.8 * against + np.where(along < -0.1, 2.5, 0.0)) + np.where(tip, 0.0, 150.0)
        near = np.argpartition(cost, 24)[:24] if len(cost) > 24 else np.arange(len(cost))
        near = near[np.argsort(cost[near])]
        for parent in near[[0, 4, 10, 18]] if len(near) > 18 else near[:1]:
            path = self._path(int(parent), target, float(distance[parent]))
            if self._free(path, int(parent)):
                self.append(path, int(parent))
                return

    def _outward(self, target: Points) -> Points:
        """Which way blood vessels run at a place: away from the disc, and within the arcades towards the fovea."""
        to_fovea = np.array(self.anatomy.fovea) - target
        far = np.hypot(*to_fovea)
        share = np.exp(-((far / 2600) ** 2)) * (target[0] > 0)
        outward = (1 - share) * target / np.hypot(*target) + share * to_fovea / max(far, 1.0)
        return np.asarray(outward / max(np.hypot(*outward), 1e-6))

    def _path(self, parent: int, target: Points, distance: float) -> Points:
        """A gently winding curve from a node to `target`, leaving its vessel at a natural angle."""
        start, heading = self.points[parent], self.heading[parent]
        chord = (target - start) / distance
        turn = np.arctan2(heading[0] * chord[1] - heading[1] * chord[0], heading @ chord)
        low, high = (0.0, 0.35) if self.tip[parent] else (0.55, 1.25)
        leave = _turned(heading, np.copysign(np.clip(abs(turn), low, high), turn))
        arrive = _turned(chord, self.rng.normal(0, 0.35))
        count = max(3, int(np.ceil(distance / STEP)))
        t = (np.arange(1, count + 1) / count)[:, None]
        curve = (
            (2 * t**3 - 3 * t**2 + 1) * start
            + (t**3 - 2 * t**2 + t) * distance * 0.8 * leave
            + (3 * t**2 - 2 * t**3) * target
            + (t**3 - t**2) * distance * 0.8 * arrive
        )
        across = np.array([-chord[1], chord[0]])
        phase, waves = self.rng.uniform(0, 2 * np.pi), distance / self.rng.uniform(500, 1300)
        wave = np.sin(2 * np.pi * waves * t + phase) - np.sin(phase) * (1 - t) - np.sin(2 * np.pi * waves + phase) * t
        return np.asarray(curve + wave * across * min(distance, 1500) * 0.045 * (0.4 + self.traits.tortuosity))

    def _free(self, path: Points, parent: int) -> bool:
        """Whether a new path keeps clear of its own kind, of the fovea, and does not run along the other kind."""
        if (np.hypot(*(path - self.anatomy.fovea).T) < self.anatomy.avascular_radius).any():
            return False
        clear = np.hypot(*(path - self.points[parent]).T) > 3.2 * CELL
        if self.territory.taken_at(path[clear]).any():
            return False
        return self.rival is None or bool(self.rival.taken_at(path).mean() < 0.34)


def _turned(direction: Points, angle: float) -> Points:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([direction[0] * cosine - direction[1] * sine, direction[0] * sine + direction[1] * cosine])


def grow(rng: Generator, anatomy: Anatomy, traits: Traits, domain: Domain) -> tuple[VesselTree, VesselTree]:
    """The arteries and the veins of one eye within `domain`."""
    arteries = _grow_kind(rng, anatomy, traits, domain, None)
    veins = _grow_kind(rng, anatomy, traits, domain, arteries.territory)
    return _finish(arteries, traits.calibre[0]), _finish(veins, traits.calibre[1])


def _grow_kind(rng: Generator, anatomy: Anatomy, traits: Traits, domain: Domain, rival: Territory | None) -> Growth:
    growth = Growth(rng, anatomy, traits, domain, rival)
    growth.plant()
    for level in LEVELS:
        growth.reach(level * traits.spacing)
    return growth


def _finish(growth: Growth, calibre: float) -> VesselTree:
    """Radii, branching angles and the eye's own windings for a grown tree."""
    rng, count = growth.rng, growth.count
    points, parent = growth.points[:count].copy(), growth.parent[:count].copy()
    # A vessel that leaves the photographed field feeds what lies beyond it.
    beyond = ~growth.domain.inside(points, growth.domain.photographed)
    flow = np.where(beyond, rng.uniform(3, 16, count), rng.uniform(0.7, 1.5, count))
    tree = grown_tree(points, parent, flow, calibre)
    tight = relaxed(points, parent, tree.radius**2, rounds=12)
    tight += _windings(rng, tight, growth.traits.tortuosity)
    return grown_tree(tight, parent, flow, calibre)


def _windings(rng: Generator, points: Points, tortuosity: float) -> Points:
    """A smooth displacement of points, greater far from the disc: it bends vessels, and tears none."""
    shift = np.zeros_like(points)
    for wavelength, amplitude in ((3200.0, 60.0), (1500.0, 26.0), (700.0, 13.0), (400.0, 5.0)):
        for _ in range(4):
            angle, phase = rng.uniform(0, 2 * np.pi, 2)
            direction = np.array([np.cos(angle), np.sin(angle)])
            wave = np.sin(points @ direction * 2 * np.pi / (wavelength * rng.uniform(0.7, 1.4)) + phase)
            shift += wave[:, None] * np.array([-direction[1], direction[0]]) * amplitude * 0.6
    grown = np.clip((np.hypot(points[:, 0], points[:, 1]) - 700) / 1200, 0, 1)[:, None]
    return np.asarray(shift * grown * (0.5 + tortuosity))
