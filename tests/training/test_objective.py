import numpy as np
import pytest
import torch

from retseg.core.types import CLASS_MAP, Classes, ClassInfo
from retseg.losses.config import LossConfig
from retseg.losses.registry import build_loss
from retseg.models.config import ModelConfig
from retseg.models.heads import HEADS
from retseg.training.objective import LEVELS, Objective, planes

TWO = Classes("two", (ClassInfo("ground", (0, 0, 0)), ClassInfo("figure", (255, 0, 0))), things=(1,))
DISTANCE = HEADS.get("distance")


def figures():
    """Two figures that touch, and a strip that takes part in nothing: class map and id map (48, 64)."""
    ids = np.zeros((48, 64), np.uint16)
    ids[10:40, 8:30], ids[10:40, 30:52] = 1, 2
    labels = (ids > 0).astype(np.uint8)
    labels[:, 60:] = TWO.ignore
    return labels, ids


def targets():
    labels, ids = figures()
    return planes(labels, ids, (DISTANCE,))[None]


def objective(weight=1.0, heads=("distance",), auxiliary=0.5):
    loss = LossConfig(name="cross-entropy", heads=weight, auxiliary=auxiliary)
    return Objective.of(ModelConfig(heads=heads), loss, TWO)


def test_planes_hold_the_classes_and_what_the_heads_learn():
    labels, ids = figures()
    found = planes(labels, ids, (DISTANCE,))
    assert found.dtype == torch.uint8
    assert np.array_equal(found[0].numpy(), labels)
    assert np.abs(found[1].numpy() / LEVELS - DISTANCE.target(ids)[0]).max() <= 0.5 / LEVELS
    assert planes(labels, None, ()).shape == (1, 48, 64)


def test_without_heads_it_is_the_loss_of_the_class_map():
    logits = torch.randn(1, 2, 48, 64)
    labels = targets()[:, 0].long()
    plain = build_loss(LossConfig(name="cross-entropy"), TWO)(logits, labels)
    torch.testing.assert_close(objective(heads=())(logits, targets()[:, :1]), plain)


@pytest.mark.parametrize("weight", [0.0, 0.5, 2.0])
def test_a_head_adds_its_weighted_loss(weight):
    result, wanted = torch.randn(1, 3, 48, 64), targets()
    counted = wanted[:, 0] != TWO.ignore
    expected = objective(heads=())(result[:, :2], wanted[:, :1]) + weight * DISTANCE.loss(
        result[:, 2:], wanted[:, 1:].float() / LEVELS, counted
    )
    torch.testing.assert_close(objective(weight)(result, wanted), expected)


def test_void_takes_part_in_neither_loss():
    """Whatever the net says where the label is void, the loss and its gradient are the same."""
    result, wanted = torch.randn(1, 3, 48, 64), targets()
    other = result.clone()
    other[..., 60:] = torch.randn(1, 3, 48, 4) * 9
    torch.testing.assert_close(objective()(result, wanted), objective()(other, wanted))
    result.requires_grad_()
    objective()(result, wanted).backward()
    assert not result.grad[..., 60:].any()
    assert result.grad[..., :60].abs().sum() > 0


def test_a_batch_of_void_alone_gives_nothing():
    wanted = torch.full((1, 2, 8, 8), TWO.ignore, dtype=torch.uint8)
    assert float(objective()(torch.randn(1, 3, 8, 8), wanted)) == 0


def test_auxiliary_predictions_are_judged_by_their_classes_only():
    best, coarse, wanted = torch.randn(1, 3, 48, 64), torch.randn(1, 3, 24, 32), targets()
    both = objective(0.0)({CLASS_MAP: best, f"{CLASS_MAP}.1": coarse}, wanted)
    without = objective(0.0, heads=())({CLASS_MAP: best[:, :2], f"{CLASS_MAP}.1": coarse[:, :2]}, wanted[:, :1])
    torch.testing.assert_close(both, without)
