from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.losses import DiceLoss
from torch import Tensor
from torch.nn import functional as F

from retseg.core.types import BoolArray, Classes, ClassInfo
from retseg.losses.boundary import distance_to_boundary
from retseg.losses.config import LossConfig
from retseg.losses.loss import LossFunction
from retseg.losses.registry import build_loss

CLASSES = Classes("any", tuple(ClassInfo(f"class {i}", (i, i, i)) for i in range(3)))


def make(weights: Tensor | None = None, **options: float) -> LossFunction:
    return build_loss(LossConfig(name="boundary", options=options), CLASSES, weights)


def one_hot(target: Tensor) -> Tensor:
    return F.one_hot(target, 3).movedim(-1, 1).float()


def shown(labels: list[list[int]], classes: int = 2) -> BoolArray:
    """Truth (C, H, W) of labels (H, W); -1 where a pixel does not count."""
    return np.stack([np.array(labels) == label for label in range(classes)])


def brute_force(truth: BoolArray) -> np.ndarray:
    """For each pixel the distance to the nearest pixel on the other side of a class's boundary, less half a pixel."""
    classes, height, width = truth.shape
    places = np.argwhere(truth.any(axis=0))
    result = np.zeros(truth.shape)
    for label in range(classes):
        inside = {tuple(place): truth[(label, *place)] for place in places}
        for place in places:
            others = [other for other in places if inside[tuple(other)] != inside[tuple(place)]]
            if others and truth[label].any():
                result[(label, *place)] = min(np.hypot(*(place - other)) for other in others) - 0.5
    assert (height, width) == result.shape[1:]
    return result


def test_distance_by_hand() -> None:
    expected = [[2.5, 1.5, 0.5, 0.5, 1.5]]
    distance = distance_to_boundary(shown([[0, 0, 0, 1, 1]]))
    np.testing.assert_allclose(distance, [expected, expected])


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_distance_is_that_to_the_nearest_pixel_across(classes: int) -> None:
    rng = np.random.default_rng(classes)
    labels = rng.integers(-1, classes, (7, 9))
    labels[2:5, 3:8] = 0
    truth = np.stack([labels == label for label in range(classes)])
    np.testing.assert_allclose(distance_to_boundary(truth), brute_force(truth), rtol=1e-5)


def test_a_class_that_is_missing_or_everywhere_has_no_boundary() -> None:
    assert not distance_to_boundary(shown([[1, 1], [1, 1]], 3)).any()
    distance = distance_to_boundary(shown([[0, 1], [0, 1]], 3))
    assert distance[:2].all()
    assert not distance[2].any()


def test_pixels_that_do_not_count_bound_nothing_and_have_no_distance() -> None:
    distance = distance_to_boundary(shown([[0, -1, -1, 1, 1]]))
    np.testing.assert_allclose(distance, [[[2.5, 0, 0, 2.5, 3.5]]] * 2)


def test_by_hand() -> None:
    # Distances 1.5, 0.5, 0.5, 1.5 for both classes; the last pixel has 3/4 of its probability on the wrong class.
    target = torch.tensor([[[0, 0, 1, 1]]])
    logits = 40 * one_hot(target)
    logits[0, :, 0, 3] = torch.tensor([3.0, 1.0, 0.0]).log()
    assert float(make(share=1.0)(logits, target)) == pytest.approx(1.5 * 0.75 / 4, abs=1e-6)


def test_is_the_papers_loss_less_that_of_a_perfect_prediction() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(0, 3, (1, 9, 11), generator=generator)
    probability = torch.randn(1, 3, 9, 11, generator=generator).softmax(1)
    truth = one_hot(target)
    signed = torch.from_numpy(brute_force(truth[0].bool().numpy())).float() * (1 - 2 * truth[0])
    over = (1, 2)
    excess = (signed * probability[0]).sum(over) - (signed * truth[0]).sum(over)
    expected = (excess / signed.abs().sum(over)).mean()
    torch.testing.assert_close(make(share=1.0)(probability.log(), target), expected)


def test_far_mistakes_cost_more_than_near_ones() -> None:
    target = torch.full((1, 16, 16), 2)
    target[:, :, 2] = 1
    near, far = target.clone(), target.clone()
    near[:, :, 3] = 1
    far[:, :, 14] = 1
    loss, dice = make(share=1.0), make(share=0.0)
    # Column 3 lies half a pixel from the boundary, column 14 eleven and a half.
    assert float(loss(40 * one_hot(far), target)) == pytest.approx(23 * float(loss(40 * one_hot(near), target)))
    torch.testing.assert_close(dice(40 * one_hot(far), target), dice(40 * one_hot(near), target))


def test_share_weighs_distance_and_dice() -> None:
    generator = torch.Generator().manual_seed(1)
    target = torch.randint(0, 3, (2, 12, 10), generator=generator)
    logits = torch.randn(2, 3, 12, 10, generator=generator)
    area = DiceLoss(softmax=True, batch=True)(logits, one_hot(target))
    torch.testing.assert_close(make(share=0.0)(logits, target), area)
    torch.testing.assert_close(make(share=0.2)(logits, target), 0.2 * make(share=1.0)(logits, target) + 0.8 * area)


def test_all_wrong_costs_one() -> None:
    target = torch.randint(0, 2, (2, 12, 10), generator=torch.Generator().manual_seed(2))
    assert float(make(share=1.0)(40 * one_hot(1 - target), target)) == pytest.approx(1, abs=1e-6)


def test_class_weights_are_a_weighted_mean() -> None:
    generator = torch.Generator().manual_seed(3)
    target = torch.randint(0, 3, (1, 12, 10), generator=generator)
    logits = torch.randn(1, 3, 12, 10, generator=generator)
    each = [make(torch.eye(3)[label], share=1.0)(logits, target) for label in range(3)]
    value = make(torch.tensor([1.0, 3.0, 0.0]), share=1.0)(logits, target)
    torch.testing.assert_close(value, (each[0] + 3 * each[1]) / 4)


def test_an_image_of_one_class_has_a_gradient_from_dice_only() -> None:
    target, logits = torch.full((1, 8, 8), 2), torch.randn(1, 3, 8, 8).requires_grad_()
    assert float(make(share=1.0)(logits.detach(), target)) == 0
    make()(logits, target).backward()
    assert logits.grad is not None
    assert float(logits.grad.norm()) > 1e-4
