"""Vessel trees: nodes with parents, whose radii follow Murray's law (r0³ = r1³ + r2³) from the tips to the stem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class VesselTree:
    """The arteries or the veins of an eye.

    Every node but the roots stands for the piece of vessel between its parent and itself.

    Args:
        points: Where the nodes are, (n, 2) in micrometres.
        parent: Index of each node's parent, -1 at a root; parents come before their children.
        radius: Radius of the piece that ends at each node, in micrometres.
        heir: The child that continues a node's vessel (the widest one), -1 at a tip.
    """

    points: Points
    parent: Indices
    radius: NDArray[np.float64]
    heir: Indices

    @property
    def vessel(self) -> Indices:
        """Number of the vessel that each node belongs to: a vessel runs on through its widest branches."""
        numbers = np.empty(len(self.parent), np.int64)
        count = 0
        for node, parent in enumerate(self.parent.tolist()):
            if parent >= 0 and self.heir[parent] == node:
                numbers[node] = numbers[parent]
            else:
                numbers[node] = count
                count += 1
        return numbers

    @property
    def generation(self) -> Indices:
        """How many branchings lie between each node and its root, counted along side branches."""
        result = np.zeros(len(self.parent), np.int64)
        for node, parent in enumerate(self.parent.tolist()):
            if parent >= 0:
                result[node] = result[parent] + (self.heir[parent] != node)
        return result


def grown_tree(points: Points, parent: Indices, tip_flow: NDArray[np.float64], calibre: float) -> VesselTree:
    """A tree with radii by Murray's law. `calibre` is the radius in micrometres of its widest trunk beyond the disc.

    `tip_flow` is the blood that a tip takes on, in any unit: vessels that run on beyond the field take more.
    """
    flow, heir = _flows(parent, tip_flow)
    outside_disc = np.hypot(points[:, 0], points[:, 1]) > TRUNK_DISTANCE
    widest = flow[outside_disc].max() if outside_disc.any() else flow.max()
    return VesselTree(points, parent, calibre * np.cbrt(flow / widest), heir)


TRUNK_DISTANCE = 1200.0
"""How far from the disc's centre a trunk's calibre is measured, in micrometres."""


def _flows(parent: Indices, tip_flow: NDArray[np.float64]) -> tuple[NDArray[np.float64], Indices]:
    parents = parent.tolist()
    children = np.bincount(parent[parent >= 0], minlength=len(parents))
    flow = np.where(children == 0, tip_flow, 0.0).tolist()
    heir = [-1] * len(parents)
    for node in range(len(parents) - 1, -1, -1):
        above = parents[node]
        if above >= 0:
            flow[above] += flow[node]
            if heir[above] < 0 or flow[node] > flow[heir[above]]:
                heir[above] = node
    return np.array(flow), np.array(heir)


def relaxed(points: Points, parent: Indices, weight: NDArray[np.float64], rounds: int) -> Points:
    """Points drawn tight like strings, each pulling with `weight`: wide vessels bend little where thin ones leave.

    With the squared radius as weight this is what gives a branching the angles of least blood volume. Tips and roots
    stay where they are.
    """
    child = np.flatnonzero(parent >= 0)
    above = parent[child]
    children = np.bincount(above, minlength=len(parent))
    free = (parent >= 0) & (children > 0)
    total = np.bincount(above, weight[child], len(parent)).astype(np.float64)
    total[child] += weight[child]
    moved = points.copy()
    for _ in range(rounds):
        pull = np.empty_like(moved)
        for axis in (0, 1):
            pull[:, axis] = np.bincount(above, weight[child] * moved[child, axis], len(parent))
        pull[child] += weight[child, None] * moved[above]
        moved[free] += 0.5 * (pull[free] / total[free, None] - moved[free])
    return moved
