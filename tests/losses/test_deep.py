from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from retseg.core.types import Classes, ClassInfo
from retseg.losses.config import LossConfig
from retseg.losses.deep import deeply_supervised
from retseg.losses.loss import LossFunction
from retseg.losses.registry import build_loss

CLASSES = Classes("any", tuple(ClassInfo(f"class {i}", (i, i, i)) for i in range(3)))


@pytest.fixture
def loss() -> LossFunction:
    return build_loss(LossConfig(name="cross-entropy"), CLASSES)


def mean_logit(logits: Tensor, target: Tensor) -> Tensor:
    return logits.mean()


def constant(value: float, side: int = 4) -> Tensor:
    return torch.full((1, 2, side, side), value)


TARGET = torch.zeros(1, 4, 4, dtype=torch.int64)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.5, (7.0 + 0.5 * 3.0 + 0.25 * -2.0) / 1.75),  # 8 / 1.75
        (1.0, (7.0 + 3.0 - 2.0) / 3),
        (0.1, (7.0 + 0.3 - 0.02) / 1.11),
        (0.0, 7.0),
    ],
)
def test_is_the_weighted_mean_by_hand(share: float, expected: float) -> None:
    predictions = [constant(7.0), constant(3.0), constant(-2.0)]
    assert float(deeply_supervised(mean_logit, predictions, TARGET, share)) == pytest.approx(expected)


def test_one_prediction_is_the_plain_loss(loss: LossFunction) -> None:
    logits, target = torch.randn(2, 3, 8, 8), torch.randint(0, 3, (2, 8, 8))
    torch.testing.assert_close(deeply_supervised(loss, [logits], target, 0.5), loss(logits, target))


def test_a_coarse_prediction_is_enlarged_bilinearly() -> None:
    seen: list[Tensor] = []

    def remember(logits: Tensor, target: Tensor) -> Tensor:
        seen.append(logits)
        return logits.sum()

    coarse = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    deeply_supervised(remember, [torch.zeros(1, 1, 4, 4), coarse], TARGET, 0.5)
    enlarged = [[1, 1.25, 1.75, 2], [1.5, 1.75, 2.25, 2.5], [2.5, 2.75, 3.25, 3.5], [3, 3.25, 3.75, 4]]
    torch.testing.assert_close(seen[1], torch.tensor([[enlarged]]))


def test_share_zero_leaves_the_others_without_gradient(loss: LossFunction) -> None:
    best, other = (torch.randn(1, 3, 4, 4).requires_grad_() for _ in range(2))
    deeply_supervised(loss, [best, other], TARGET, 0.0).backward()
    assert best.grad is not None
    assert other.grad is None


def test_gradient_of_each_prediction_has_its_weight(loss: LossFunction) -> None:
    logits = torch.randn(1, 3, 4, 4)
    best, other = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    deeply_supervised(loss, [best, other], TARGET, 0.25).backward()
    assert best.grad is not None
    assert other.grad is not None
    torch.testing.assert_close(other.grad, 0.25 * best.grad)


def test_half_precision_is_enlarged_in_full_precision(loss: LossFunction) -> None:
    coarse, target = torch.randn(1, 3, 2, 2).bfloat16(), torch.randint(0, 3, (1, 8, 8))
    value = deeply_supervised(loss, [coarse], target, 0.5)
    enlarged = F.interpolate(coarse.float(), scale_factor=4, mode="bilinear")
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(enlarged, target), atol=0, rtol=0)


def test_a_coarse_pixel_far_from_every_counted_one_has_no_gradient(loss: LossFunction) -> None:
    coarse, target = torch.randn(1, 3, 4, 4).requires_grad_(), torch.zeros(1, 16, 16, dtype=torch.int64)
    target[:, :, :8] = CLASSES.ignore
    deeply_supervised(loss, [coarse], target, 0.5).backward()
    assert coarse.grad is not None
    # Enlarging four times reaches two coarse pixels: columns 1 and 2 make up column 8, column 0 no counted one.
    assert bool((coarse.grad[..., 0] == 0).all())
    assert bool((coarse.grad[..., 1:] != 0).all())
