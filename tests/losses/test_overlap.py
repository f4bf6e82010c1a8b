from __future__ import annotations

import pytest
import torch
from monai.losses import DiceLoss, TverskyLoss
from torch import Tensor
from torch.nn import functional as F

from retseg.core.errors import ConfigError
from retseg.core.types import Classes, ClassInfo
from retseg.losses.config import LossConfig
from retseg.losses.registry import build_loss

CLASSES = Classes("any", tuple(ClassInfo(f"class {i}", (i, i, i)) for i in range(3)))


@pytest.fixture
def logits() -> Tensor:
    return 2 * torch.randn(2, 3, 12, 10, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def target() -> Tensor:
    return torch.randint(0, 3, (2, 12, 10), generator=torch.Generator().manual_seed(1))


def one_hot(target: Tensor) -> Tensor:
    return F.one_hot(target, 3).movedim(-1, 1).float()


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("squared", [True, False])
def test_dice_is_monais_where_every_class_is_there(batch: bool, squared: bool, logits: Tensor, target: Tensor) -> None:
    loss = build_loss(LossConfig(name="dice", options={"batch": batch, "squared": squared}), CLASSES)
    expected = DiceLoss(softmax=True, batch=batch, squared_pred=squared)(logits, one_hot(target))
    torch.testing.assert_close(loss(logits, target), expected)


def test_dice_by_hand() -> None:
    # Probabilities are 1/2 for two classes everywhere; the third has none.
    logits = torch.tensor([0.0, 0.0, -1e4]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    target = torch.tensor([[[0, 0], [0, 1]]])
    # Class 0: overlap 1.5, areas 2 and 3; class 1: overlap 0.5, areas 2 and 1.
    expected = 1 - (2 * 1.5 / 5 + 2 * 0.5 / 3) / 2
    value = build_loss(LossConfig(name="dice"), CLASSES)(logits, target)
    assert float(value) == pytest.approx(expected, abs=1e-4)


def test_tversky_is_monais_where_every_class_is_there(logits: Tensor, target: Tensor) -> None:
    loss = build_loss(LossConfig(name="tversky", options={"alpha": 0.2, "beta": 0.9}), CLASSES)
    expected = TverskyLoss(softmax=True, batch=True, alpha=0.2, beta=0.9)(logits, one_hot(target))
    torch.testing.assert_close(loss(logits, target), expected)


def test_tversky_with_halves_is_dice(logits: Tensor, target: Tensor) -> None:
    tversky = build_loss(LossConfig(name="tversky", options={"alpha": 0.5, "beta": 0.5}), CLASSES)
    dice = build_loss(LossConfig(name="dice"), CLASSES)
    torch.testing.assert_close(tversky(logits, target), dice(logits, target), atol=1e-5, rtol=1e-5)


def test_ignoring_pixels_is_as_if_they_were_cut_off(logits: Tensor, target: Tensor) -> None:
    ignored = target.clone()
    ignored[:, 7:] = CLASSES.ignore
    for name in ("dice", "tversky", "dice-cross-entropy"):
        loss = build_loss(LossConfig(name=name), CLASSES)
        torch.testing.assert_close(loss(logits, ignored), loss(logits[:, :, :7], target[:, :7]))


@pytest.mark.parametrize("options", [{"squared": True}, {"batch": False}, {"squared": True, "batch": False}])
def test_an_image_without_a_counted_pixel_gives_no_gradient(
    options: dict[str, bool], logits: Tensor, target: Tensor
) -> None:
    target[0] = CLASSES.ignore
    logits.requires_grad_()
    build_loss(LossConfig(name="dice", options=options), CLASSES)(logits, target).backward()
    assert logits.grad is not None
    assert bool((logits.grad[0] == 0).all())
    assert bool(logits.grad[1].isfinite().all())
    assert float(logits.grad[1].norm()) > 1e-4


def test_a_class_that_the_truth_does_not_show_is_left_out(logits: Tensor, target: Tensor) -> None:
    without = target.clamp(max=1)
    monais = DiceLoss(softmax=True, batch=True, reduction="none")(logits, one_hot(without)).flatten()
    value = build_loss(LossConfig(name="dice"), CLASSES)(logits, without)
    torch.testing.assert_close(value, monais[:2].mean())


def test_predicting_a_class_that_is_not_there_still_costs(target: Tensor) -> None:
    without = target.clamp(max=1)
    right = 10.0 * one_hot(without)
    partly_absent = right.clone()
    partly_absent[:, 2, :4] = 20.0
    loss = build_loss(LossConfig(name="dice"), CLASSES)
    assert float(loss(partly_absent, without)) > float(loss(right, without)) + 0.05


def test_class_weights_are_a_weighted_mean(logits: Tensor, target: Tensor) -> None:
    weights = torch.tensor([1.0, 3.0, 0.0])
    per_class = DiceLoss(softmax=True, batch=True, reduction="none")(logits, one_hot(target)).flatten()
    value = build_loss(LossConfig(name="dice"), CLASSES, weights)(logits, target)
    torch.testing.assert_close(value, (per_class[0] + 3 * per_class[1]) / 4)


def test_one_image_without_a_class_does_not_spoil_the_mean_of_the_others(logits: Tensor, target: Tensor) -> None:
    target[0].clamp_(max=1)
    per_image = DiceLoss(softmax=True, reduction="none")(logits, one_hot(target)).flatten(1)
    expected = (per_image[0, :2].sum() + per_image[1].sum()) / 5
    value = build_loss(LossConfig(name="dice", options={"batch": False}), CLASSES)(logits, target)
    torch.testing.assert_close(value, expected)


def test_tversky_beta_is_the_cost_of_what_is_missed(target: Tensor) -> None:
    vessel_missed = 10.0 * one_hot(target.where(target != 1, 0))
    vessel_only = torch.tensor([0.0, 1.0, 0.0])
    cheap, dear = (
        build_loss(
            LossConfig(name="tversky", options={"alpha": 0.5, "beta": beta}), CLASSES, torch.ones(3) - vessel_only
        )
        for beta in (0.1, 0.9)
    )
    # Class 0 gains false positives (alpha) and class 2 loses nothing: beta plays no part for them.
    torch.testing.assert_close(cheap(vessel_missed, target), dear(vessel_missed, target), atol=1e-3, rtol=0)
    half = vessel_missed.clone()
    half[0] = 10.0 * one_hot(target)[0]
    cheap, dear = (
        build_loss(LossConfig(name="tversky", options={"alpha": 0.5, "beta": beta}), CLASSES, vessel_only)
        for beta in (0.1, 0.9)
    )
    assert float(cheap(half, target)) + 0.1 < float(dear(half, target))


def test_dice_cross_entropy_is_the_sum_of_both(logits: Tensor, target: Tensor) -> None:
    target[0, :2] = CLASSES.ignore
    weights = torch.tensor([1.0, 3.0, 0.5])
    dice, cross_entropy = (build_loss(LossConfig(name=name), CLASSES, weights) for name in ("dice", "cross-entropy"))
    config = LossConfig(name="dice-cross-entropy", options={"dice": 0.25, "cross_entropy": 2.0})
    expected = 0.25 * dice(logits, target) + 2.0 * cross_entropy(logits, target)
    torch.testing.assert_close(build_loss(config, CLASSES, weights)(logits, target), expected)


@pytest.mark.parametrize(
    ("name", "options"),
    [("tversky", {"alpha": 0, "beta": 0}), ("dice-cross-entropy", {"dice": 0, "cross_entropy": 0})],
)
def test_a_loss_that_is_always_zero_is_refused(name: str, options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="above 0"):
        build_loss(LossConfig(name=name, options=options), CLASSES)
