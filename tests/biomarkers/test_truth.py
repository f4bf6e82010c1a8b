"""Grown eyes are measured as they were grown: their trees are known to the micrometre."""

from __future__ import annotations

import numpy as np
import pytest

from retseg.biomarkers.central_vessels import ARTERIES, VEINS, central_equivalent
from retseg.biomarkers.measure import measure
from retseg.biomarkers.units import Value
from retseg.datasets.synthetic.tree import VesselTree
from tests.biomarkers.drawn import NARROWEST, grown, grown_eye

SIZE, FIELD = 1800, 33.0
RADIUS = 0.5 * FIELD * 290
SEEDS = [1, 7, 11]


def true_equivalent(tree: VesselTree, disc: float, coefficient: float) -> float:
    """Knudtson's formula on the tree's own widths in micrometres, on circles through zone B."""
    away, inner = np.hypot(*tree.points.T), tree.parent >= 0
    found = []
    for circle in np.linspace(2 * disc, 3 * disc, 13)[1:-1]:
        crossing = np.zeros(len(away), bool)
        crossing[inner] = (away[inner] - circle) * (away[tree.parent[inner]] - circle) <= 0
        widths = sorted(2 * tree.radius[crossing & (2 * tree.radius >= NARROWEST)])
        found.append(central_equivalent(widths[-6:], coefficient))
    return float(np.mean(found))


def true_bifurcations(tree: VesselTree, gaze: tuple[float, float]) -> int:
    seen = (tree.parent >= 0) & (2 * tree.radius >= NARROWEST) & (np.hypot(*(tree.points - gaze).T) < RADIUS)
    return int((np.bincount(tree.parent[seen]) >= 2).sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_grown_eye(seed: int) -> None:
    anatomy, _, trees, gaze = grown(seed, RADIUS)
    truth = {
        "crae": (true_equivalent(trees[0], anatomy.mean_disc_radius, ARTERIES), 0.01),
        "crve": (true_equivalent(trees[1], anatomy.mean_disc_radius, VEINS), 0.01),
        # Radii follow Murray's law from the tips to the stem.
        "murray-exponent": (3.0, 0.04),
        # Where vessels lie over each other on the disc, the mask shows other branchings than there are.
        "bifurcations": (sum(true_bifurcations(tree, gaze) for tree in trees), 0.2),
    }
    found = measure(grown_eye(seed, size=SIZE, field=FIELD), truth)
    for name, (value, tolerance) in truth.items():
        one = found[name]
        assert isinstance(one, Value), name
        assert one.number == pytest.approx(value, rel=tolerance), name
