from __future__ import annotations

import numpy as np
import pytest

from retseg.core.errors import ConfigError
from retseg.core.types import Classes, ClassInfo
from retseg.methods.frequency import FREQUENCY
from retseg.methods.method import Example, require_task
from retseg.methods.ridge_filters import SATO

SCENE = Classes("scene", tuple(ClassInfo(name, (i, i, i)) for i, name in enumerate(("sky", "sea", "sand"))))


def example(labels: np.ndarray) -> Example:
    return Example(np.zeros((*labels.shape, 3), np.uint8), np.ones(labels.shape, bool), labels)


def test_the_share_of_each_class_at_each_place_is_counted():
    first = np.repeat(np.array([0, 0, 1, 2], np.uint8), 10)[:, None].repeat(32, 1)
    second = np.repeat(np.array([0, 1, 1, 1], np.uint8), 20)[:, None].repeat(50, 1)  # another size
    parameters = FREQUENCY.options({"side": 4, "smoothing": 0, "diameter": None})
    fits = [FREQUENCY.fit(example(labels), SCENE, parameters) for labels in (first, second)]
    fitted = {"shares": fits[0]["shares"] + fits[1]["shares"]}
    image, fov = np.zeros((80, 80, 3), np.uint8), np.ones((80, 80), bool)
    found = FREQUENCY.scores(image, fov, parameters, fitted)
    assert found.shape == (3, 80, 80)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    np.testing.assert_allclose(found[:, 2, 40], (1, 0, 0), atol=1e-3)
    np.testing.assert_allclose(found[:, 30, 40], (0.5, 0.5, 0), atol=0.02)
    np.testing.assert_allclose(found[:, 77, 40], (0, 0.5, 0.5), atol=1e-3)


def test_it_must_learn_first():
    with pytest.raises(ConfigError, match="learns from labels"):
        FREQUENCY.scores(np.zeros((9, 9, 3), np.uint8), np.ones((9, 9), bool), FREQUENCY.parameters())


def test_it_alone_works_without_a_positive_class():
    require_task(FREQUENCY, SCENE)
    with pytest.raises(ConfigError, match="no positive class"):
        require_task(SATO, SCENE)
