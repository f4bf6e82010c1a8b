from __future__ import annotations

import pytest
import torch
from monai.losses import FocalLoss
from torch import Tensor
from torch.nn import functional as F

from retseg.core.errors import ConfigError
from retseg.core.types import Classes, ClassInfo
from retseg.losses.config import LossConfig
from retseg.losses.registry import build_loss

CLASSES = Classes("any", tuple(ClassInfo(f"class {i}", (i, i, i)) for i in range(4)), outside=0)
WEIGHTS = torch.tensor([0.5, 4.0, 1.0, 0.0])


@pytest.fixture
def logits() -> Tensor:
    return 3 * torch.randn(3, 4, 9, 7, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def target() -> Tensor:
    labels = torch.randint(0, 4, (3, 9, 7), generator=torch.Generator().manual_seed(1))
    labels[0, :3] = CLASSES.ignore
    return labels


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("name", ["nll", "cross-entropy"])
def test_is_torchs_mean_over_counted_pixels(name: str, weights: Tensor | None, logits: Tensor, target: Tensor) -> None:
    loss = build_loss(LossConfig(name=name), CLASSES, weights)
    expected = F.nll_loss(F.log_softmax(logits, 1), target, weights, ignore_index=CLASSES.ignore)
    torch.testing.assert_close(loss(logits, target), expected)


def test_by_hand() -> None:
    # Two counted pixels with the probabilities 1/2 and 1/8 of their true classes, and an ignored one.
    logits = torch.tensor([[0.5, 0.125, 0.1], [0.25, 0.125, 0.2], [0.125, 0.25, 0.3], [0.125, 0.5, 0.4]]).log()
    loss = build_loss(LossConfig(name="nll"), CLASSES)
    value = loss(logits.view(1, 4, 1, 3), torch.tensor([[[0, 1, 255]]]))
    assert float(value) == pytest.approx((torch.log(torch.tensor(2.0)) + torch.log(torch.tensor(8.0))) / 2)


def test_outside_is_a_class_like_any_other(logits: Tensor) -> None:
    loss = build_loss(LossConfig(name="nll"), CLASSES)
    everywhere_outside = torch.zeros(3, 9, 7, dtype=torch.long)
    torch.testing.assert_close(loss(logits, everywhere_outside), -F.log_softmax(logits, 1)[:, 0].mean())


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_label_smoothing_is_torchs(weights: Tensor | None, logits: Tensor, target: Tensor) -> None:
    loss = build_loss(LossConfig(name="cross-entropy", options={"label_smoothing": 0.1}), CLASSES, weights)
    expected = F.cross_entropy(logits, target, weights, ignore_index=CLASSES.ignore, label_smoothing=0.1)
    torch.testing.assert_close(loss(logits, target), expected)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_is_monais(gamma: float, logits: Tensor, target: Tensor) -> None:
    loss = build_loss(LossConfig(name="focal", options={"gamma": gamma}), CLASSES)
    counted = target != CLASSES.ignore
    truth = F.one_hot(target.where(counted, 0), 4).movedim(-1, 1)
    per_pixel = FocalLoss(gamma=gamma, use_softmax=True, reduction="none")(logits, truth).sum(1)
    torch.testing.assert_close(loss(logits, target), per_pixel[counted].mean())


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_focal_without_focus_is_cross_entropy(weights: Tensor | None, logits: Tensor, target: Tensor) -> None:
    focal = build_loss(LossConfig(name="focal", options={"gamma": 0.0}), CLASSES, weights)
    cross_entropy = build_loss(LossConfig(name="cross-entropy"), CLASSES, weights)
    torch.testing.assert_close(focal(logits, target), cross_entropy(logits, target))


def test_focal_plays_down_what_is_already_right() -> None:
    focal = build_loss(LossConfig(name="focal"), CLASSES)
    easy = torch.tensor([4.0, 0.0, 0.0, 0.0]).view(1, 4, 1, 1)
    label = torch.zeros(1, 1, 1, dtype=torch.long)
    cross_entropy = F.cross_entropy(easy, label)
    assert float(focal(easy, label)) < 0.01 * float(cross_entropy)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0])
def test_focal_gradient_is_exact_even_where_the_pixel_is_certain(gamma: float) -> None:
    focal = build_loss(LossConfig(name="focal", options={"gamma": gamma}), CLASSES)
    certain = torch.tensor([200.0, 0.0, 0.0, 0.0]).view(1, 4, 1, 1).requires_grad_()
    focal(certain, torch.zeros(1, 1, 1, dtype=torch.long)).backward()
    assert certain.grad is not None
    assert bool(certain.grad.isfinite().all())


def test_impossible_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="gamma"):
        build_loss(LossConfig(name="focal", options={"gamma": -1}), CLASSES)
    with pytest.raises(ConfigError, match="label_smoothing"):
        build_loss(LossConfig(name="cross-entropy", options={"label_smoothing": 1.0}), CLASSES)


def test_an_unknown_loss_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"unknown loss 'crossentropy'. Did you mean cross-entropy"):
        build_loss(LossConfig(name="crossentropy"), CLASSES)
