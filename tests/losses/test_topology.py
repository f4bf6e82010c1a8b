from __future__ import annotations

import pytest
import torch
from monai.losses import DiceLoss, SoftclDiceLoss
from monai.losses.cldice import soft_skel
from torch import Tensor
from torch.nn import functional as F

from retseg.core.types import Classes, ClassInfo
from retseg.losses.config import LossConfig
from retseg.losses.loss import LossFunction
from retseg.losses.registry import build_loss
from retseg.losses.topology import soft_skeleton

VESSELS = Classes(
    "vessels", tuple(ClassInfo(name, (i, i, i)) for i, name in enumerate("ovr")), positive=1, outside=0, ignore=255
)
ANY = Classes("any", tuple(ClassInfo(f"class {i}", (i, i, i)) for i in range(3)))
EVERYWHERE = torch.ones(1, 1, 1, 1, dtype=torch.bool)


def make(classes: Classes = VESSELS, weights: Tensor | None = None, **options: float) -> LossFunction:
    return build_loss(LossConfig(name="soft-cldice", options=options), classes, weights)


def one_hot(target: Tensor) -> Tensor:
    return F.one_hot(target, 3).movedim(-1, 1).float()


def with_stripe(width: int, side: int = 24) -> Tensor:
    """Labels (1, side, side): retina, with one vessel across it, `width` pixels wide."""
    target = torch.full((1, side, side), 2)
    target[:, 10 : 10 + width] = 1
    return target


def sure_of(target: Tensor) -> Tensor:
    return 30 * one_hot(target)


@pytest.mark.parametrize("iterations", [0, 1, 4])
def test_skeleton_is_monais_where_every_pixel_counts(iterations: int) -> None:
    mask = torch.rand(2, 3, 20, 17, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(soft_skeleton(mask, EVERYWHERE, iterations), soft_skel(mask, iterations))


def test_skeleton_of_a_thick_stripe_is_its_middle_row() -> None:
    mask = torch.zeros(1, 1, 15, 12)
    mask[:, :, 4:9] = 1
    middle = torch.zeros(1, 1, 15, 12)
    middle[:, :, 6] = 1
    torch.testing.assert_close(soft_skeleton(mask, EVERYWHERE, 2), middle)
    assert not bool(soft_skeleton(mask, EVERYWHERE, 1).any()), "one erosion does not reach the middle of five pixels"


def test_pixels_that_do_not_count_act_like_those_beyond_the_border() -> None:
    mask = torch.rand(2, 2, 12, 16, generator=torch.Generator().manual_seed(1))
    counted = torch.ones(2, 1, 12, 16, dtype=torch.bool)
    counted[..., 9:] = False
    skeleton = soft_skeleton(mask * counted, counted, 3)
    torch.testing.assert_close(skeleton[..., :9], soft_skel(mask[..., :9], 3))
    assert not bool(skeleton[..., 9:].any())


def test_cldice_alone_is_monais_on_the_vessel_map() -> None:
    generator = torch.Generator().manual_seed(2)
    logits, target = torch.randn(1, 3, 20, 20, generator=generator), with_stripe(3, 20)
    expected = SoftclDiceLoss(iter_=5)(logits.softmax(1)[:, 1:2], one_hot(target)[:, 1:2])
    torch.testing.assert_close(make(share=1.0)(logits, target), expected, atol=1e-4, rtol=0)


def test_share_weighs_cldice_and_dice() -> None:
    generator = torch.Generator().manual_seed(3)
    logits, target = torch.randn(1, 3, 20, 20, generator=generator), with_stripe(3, 20)
    line = make(share=1.0)(logits, target)
    area = DiceLoss(softmax=True, batch=True, reduction="none")(logits, one_hot(target)).flatten()[1:].mean()
    torch.testing.assert_close(make(share=0.0)(logits, target), area)
    torch.testing.assert_close(make(share=0.25)(logits, target), 0.25 * line + 0.75 * area)


def test_half_of_the_centre_line_missed_by_hand() -> None:
    target = with_stripe(1)
    half = target.clone()
    half[:, :, 12:] = 2
    # All 12 predicted pixels are right, 12 of 24 true ones are found; one pixel of smoothing in each ratio.
    precision, sensitivity = 13 / 13, 13 / 25
    expected = 1 - 2 * precision * sensitivity / (precision + sensitivity)
    assert float(make(share=1.0)(sure_of(half), target)) == pytest.approx(expected, abs=1e-5)


def test_a_gap_costs_more_than_a_rim_of_as_many_pixels() -> None:
    target = with_stripe(5)
    gap, rim = target.clone(), target.clone()
    gap[:, 10:15, 8:12] = 2
    rim[:, 10, :20] = 2
    assert int((gap != target).sum()) == int((rim != target).sum()) == 20
    cldice, dice = make(share=1.0), make(share=0.0)
    assert float(cldice(sure_of(gap), target)) > 5 * float(cldice(sure_of(rim), target))
    assert float(dice(sure_of(gap), target)) == pytest.approx(float(dice(sure_of(rim), target)), abs=1e-6)


@pytest.mark.parametrize("classes", [VESSELS, ANY])
def test_cldice_alone_keeps_the_order_of_every_loss(classes: Classes) -> None:
    generator = torch.Generator().manual_seed(4)
    target = torch.randint(0, 3, (2, 16, 24), generator=generator)
    logits = torch.randn(2, 3, 16, 24, generator=generator).requires_grad_()
    loss = make(classes, share=1.0)
    random = loss(logits, target)
    random.backward()
    perfect, inverted = (float(loss(sign * sure_of(target), target)) for sign in (1, -1))
    assert 0 <= perfect < 0.01
    assert perfect + 0.1 < float(random.detach()) < inverted - 0.01
    assert logits.grad is not None
    assert float(logits.grad.norm()) > 1e-3


def test_only_the_vessels_have_a_centre_line_where_the_task_says_so() -> None:
    target = with_stripe(3).where(with_stripe(3) == 1, 0)
    target[:, 16:19] = 2
    swapped = target.where(target != 2, 0)  # the second stripe is missed, the vessel untouched
    assert float(make(share=1.0)(sure_of(swapped), target)) < 1e-5
    assert float(make(ANY, share=1.0)(sure_of(swapped), target)) > 0.2


def test_class_weights_act_on_dice_where_only_vessels_have_a_centre_line() -> None:
    target, logits = with_stripe(3), torch.randn(1, 3, 24, 24, generator=torch.Generator().manual_seed(5))
    weights = torch.tensor([1.0, 5.0, 0.5])
    line = make(share=1.0)(logits, target)
    area = build_loss(LossConfig(name="dice"), VESSELS, weights)(logits, target)
    torch.testing.assert_close(make(weights=weights)(logits, target), 0.5 * line + 0.5 * area)


def test_a_batch_without_vessels_leaves_dice() -> None:
    target, logits = torch.full((1, 8, 8), 2), torch.randn(1, 3, 8, 8).requires_grad_()
    assert float(make(share=1.0)(logits.detach(), target)) == 0
    make()(logits, target).backward()
    assert logits.grad is not None
    assert float(logits.grad.norm()) > 1e-4


def test_one_loss_for_each_image_is_their_mean() -> None:
    target = torch.cat([with_stripe(1), with_stripe(4)])
    logits = torch.randn(2, 3, 24, 24, generator=torch.Generator().manual_seed(6))
    alone = [make(share=1.0)(logits[i : i + 1], target[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(make(share=1.0, batch=False)(logits, target), (alone[0] + alone[1]) / 2)
