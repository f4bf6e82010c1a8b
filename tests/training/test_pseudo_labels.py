from __future__ import annotations

import numpy as np
import pytest

from retseg.core.types import Classes, ClassInfo
from retseg.datasets.base import VESSELS
from retseg.metrics.ranking import LEVELS
from retseg.training.pseudo_labels import decide, limits, nothing_tallied, pseudo_label, tally

OUTSIDE, VESSEL, RETINA = 0, 1, 2
THREE = Classes("three", tuple(ClassInfo(name, (0, 0, 0)) for name in "abc"))


def table(rows: list[list[float]]) -> np.ndarray:
    """Probabilities (classes, 1, pixels) from one row a pixel."""
    return np.float32(rows).T[:, None, :]


def test_the_most_probable_class_but_never_outside():
    probabilities = table([[0.9, 0.06, 0.04], [0.0, 0.45, 0.55], [0.1, 0.6, 0.3]])
    decided = decide(probabilities, VESSELS)
    assert decided.classes.tolist() == [[VESSEL, RETINA, VESSEL]]
    np.testing.assert_allclose(decided.certainty[0] / 65535, [0.06, 0.55, 0.6], atol=1e-5)


def test_without_a_positive_class_it_is_the_same():
    decided = decide(table([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]), THREE)
    assert decided.classes.tolist() == [[1, 0]]


def test_the_same_share_of_each_class_is_kept_over_all_images():
    """Brute force over two images: the surest half of the vessels and the surest half of the retina, in pixels."""
    random = np.random.default_rng(0)
    images = []
    tallied = nothing_tallied(VESSELS)
    for side in (40, 60):
        vessel = random.uniform(0.5, 0.7, (side, side)).astype(np.float32)
        mask = random.uniform(size=(side, side)) < 0.1
        probabilities = np.stack([0 * vessel, np.where(mask, vessel, 0.1), np.where(mask, 0.1, vessel + 0.2)])
        fov = random.uniform(size=(side, side)) < 0.9
        decided = decide(probabilities.astype(np.float32), VESSELS)
        tallied += tally(decided, fov, VESSELS)
        images.append((decided, fov))
    limit = limits(tallied, 0.5)
    labels = [pseudo_label(decided, fov, limit, VESSELS) for decided, fov in images]
    for index in (VESSEL, RETINA):
        every = np.concatenate([d.certainty[fov & (d.classes == index)] for d, fov in images])
        kept = np.concatenate([d.certainty[label == index] for (d, _), label in zip(images, labels, strict=True)])
        needed = -(-len(every) // 2)
        expected = np.sort(every)[::-1][:needed]
        # Ties with the last one needed are kept, too.
        assert len(kept) == int((every >= expected[-1]).sum())
        assert kept.min() == expected[-1]
    for (decided, fov), label in zip(images, labels, strict=True):
        assert (label[~fov] == OUTSIDE).all()
        assert (label[fov] != OUTSIDE).all()
        assert set(np.unique(label[fov])) == {VESSEL, RETINA, VESSELS.ignore}
        sure = label != VESSELS.ignore
        assert (label[sure & fov] == decided.classes[sure & fov]).all()


@pytest.mark.parametrize(("share", "expected"), [(0.25, 30), (0.5, 20), (0.51, 10), (1.0, 5), (1e-9, 30)])
def test_limits_by_hand(share, expected):
    tallied = np.zeros((2, LEVELS), np.int64)
    tallied[0, [30, 20, 10, 5]] = 1
    found = limits(tallied, share)
    assert found[0] == expected
    assert found[1] == LEVELS  # a class that was never decided for


def test_without_a_class_outside_what_lies_there_is_ignored():
    decided = decide(table([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0]]), THREE)
    label = pseudo_label(decided, np.array([[True, False]]), np.zeros(3, np.int64), THREE)
    assert label.tolist() == [[0, THREE.ignore]]
