from __future__ import annotations

import numpy as np

from retseg.datasets.synthetic.trunks import draw_trunks


def trunks_of(anatomy, seed, crowding=lambda points: 0.0):
    return draw_trunks(np.random.default_rng(seed), anatomy, 90.0, crowding)


def test_arcades_leave_the_disc_and_pass_above_and_below_the_fovea(anatomy):
    for seed in range(10):
        halves = {upper: next(t for t in trunks_of(anatomy, seed) if t.upper == upper) for upper in (True, False)}
        heights = {}
        for upper, trunk in halves.items():
            assert np.hypot(*trunk.points[0]) < anatomy.disc_radius[0]
            at_fovea = trunk.points[np.argmin(np.abs(trunk.points[:, 0] - anatomy.fovea[0]))]
            heights[upper] = at_fovea[1]
        assert heights[True] < anatomy.fovea[1] - 1500
        assert heights[False] > anatomy.fovea[1] + 1500


def test_nasal_trunks_go_to_the_nose(anatomy):
    for seed in range(10):
        assert sum(trunk.points[:, 0].min() < -3000 for trunk in trunks_of(anatomy, seed)) >= 2


def test_points_are_evenly_spaced(anatomy):
    for trunk in trunks_of(anatomy, 0):
        steps = np.hypot(*np.diff(trunk.points, axis=0).T)
        assert np.allclose(steps, 90.0, rtol=0.1)


def test_of_several_courses_the_least_crowded_is_taken(anatomy):
    seen = []

    def crowding(points):
        seen.append(points)
        return float(points[:, 1].mean())

    chosen = [trunk.points for trunk in trunks_of(anatomy, 1, crowding)]
    for number, points in enumerate(chosen):
        offered = seen[8 * number : 8 * number + 8]
        assert points[:, 1].mean() == min(offer[:, 1].mean() for offer in offered)
