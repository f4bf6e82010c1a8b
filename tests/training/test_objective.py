import numpy as np
import pytest
import torch

from retseg.core.errors import ConfigError
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


VESSELS = Classes(
    "vessels",
    (ClassInfo("outside", (0, 0, 0)), ClassInfo("vessel", (1, 0, 0)), ClassInfo("retina", (0, 1, 0))),
    positive=1,
    outside=0,
)
SHARES = LossConfig(name="cross-entropy", coverage=True)


def shares():
    """A class map with everything in it, and the share of each pixel that is vessel: (1, 2, 8, 8) uint8."""
    labels = torch.full((8, 8), 2, dtype=torch.uint8)
    labels[:, :2], labels[0], labels[3:5] = 0, VESSELS.ignore, 1
    share = (labels == 1) * 255
    return torch.stack([labels, share.to(torch.uint8)])[None]


def test_whole_pixels_are_learnt_as_without_shares():
    logits, wanted = torch.randn(1, 3, 8, 8), shares()
    plain = Objective.of(ModelConfig(), LossConfig(name="cross-entropy"), VESSELS)(logits, wanted[:, :1])
    torch.testing.assert_close(Objective.of(ModelConfig(), SHARES, VESSELS)(logits, wanted), plain)


def test_a_share_is_the_best_answer_to_itself():
    wanted = shares()
    wanted[0, 1, 3:5, 2:] = 102  # two fifths
    logits = torch.zeros(1, 3, 8, 8, requires_grad=True)
    rate = torch.optim.SGD([logits], lr=50.0)
    for _ in range(300):
        rate.zero_grad()
        Objective.of(ModelConfig(), SHARES, VESSELS)(logits, wanted).backward()
        rate.step()
    found = logits.softmax(1)
    assert found[0, 1, 3, 2:].tolist() == pytest.approx([0.4] * 6, abs=0.01)
    assert found[0, 1, 3, :2].tolist() == pytest.approx([1.0] * 2, abs=0.01)
    assert found[0, 0, 6, :2].tolist() == pytest.approx([1.0] * 2, abs=0.01)


def test_nothing_counted_gives_nothing():
    wanted = shares()
    wanted[0, 0] = VESSELS.ignore
    assert float(Objective.of(ModelConfig(), SHARES, VESSELS)(torch.randn(1, 3, 8, 8), wanted)) == 0


@pytest.mark.parametrize(
    ("loss", "classes"),
    [
        (LossConfig(name="dice", coverage=True), VESSELS),
        (LossConfig(name="cross-entropy", options={"label_smoothing": 0.1}, coverage=True), VESSELS),
        (SHARES, TWO),
    ],
)
def test_shares_that_mean_nothing_are_refused(loss, classes):
    with pytest.raises(ConfigError):
        Objective.of(ModelConfig(), loss, classes)


def test_dice_of_shares_falls_as_the_overlap_grows():
    wanted = shares()
    loss = Objective.of(
        ModelConfig(),
        LossConfig(name="dice-cross-entropy", options={"dice": 1.0, "cross_entropy": 0.0}, coverage=True),
        VESSELS,
    )
    sure = torch.nn.functional.one_hot(wanted[:, 0].long().clamp(max=2), 3).movedim(-1, 1).float() * 20
    perfect, nothing, inverted = loss(sure, wanted), loss(torch.zeros_like(sure), wanted), loss(-sure, wanted)
    assert float(perfect) < 0.01 < float(nothing) < float(inverted)


def test_both_losses_of_shares_add_up():
    logits, wanted = torch.randn(1, 3, 8, 8), shares()

    def of(dice, cross_entropy):
        options = {"dice": dice, "cross_entropy": cross_entropy}
        loss = LossConfig(name="dice-cross-entropy", options=options, coverage=True)
        return Objective.of(ModelConfig(), loss, VESSELS)(logits, wanted)

    torch.testing.assert_close(of(0.25, 1.0), 0.25 * of(1.0, 0.0) + of(0.0, 1.0))
    torch.testing.assert_close(of(0.0, 1.0), Objective.of(ModelConfig(), SHARES, VESSELS)(logits, wanted))
