from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.core.types import CLASS_MAP
from retseg.models.architecture import auxiliary, outputs
from retseg.models.convolutions import Activation, Normalisation
from retseg.models.receptive_field import receptive_field
from retseg.models.unet import UNET, UNET_TGS, SaltUNetOptions, UNet, UNetOptions
from retseg.models.upsampling import Upsampling

UPSAMPLINGS = get_args(Upsampling)
NORMALISATIONS = get_args(Normalisation)


def parameters(options: UNetOptions, in_channels: int = 3, classes: int = 3) -> int:
    return sum(parameter.numel() for parameter in UNet(in_channels, classes, options).parameters())


def small(**options: object) -> UNetOptions:
    return UNetOptions.model_validate({"depth": 2, "width": 4, "groups": 2} | options)


def backward(result: Tensor | Mapping[str, Tensor]) -> None:
    """Gradients of all outputs at once, different at every value so that none cancels in a normalisation."""
    for output in outputs(result).values():
        (output * torch.rand_like(output)).sum().backward(retain_graph=True)


def assert_every_weight_learns(net: nn.Module) -> None:
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name
        # A bias in front of a normalisation has the gradient 0.
        if parameter.ndim >= 2:
            assert bool(parameter.grad.abs().sum() > 0), name


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_every_combination_trains_on_odd_multiples_of_its_stride(
    upsampling: Upsampling, normalisation: Normalisation
) -> None:
    options = small(upsampling=upsampling, normalisation=normalisation)
    side = UNET.stride(options)
    net = UNet(3, 5, options).train()
    logits = net(torch.rand(2, 3, 3 * side, 5 * side))
    assert logits.shape == (2, 5, 3 * side, 5 * side)
    backward(logits)
    assert_every_weight_learns(net)


@pytest.mark.parametrize("activation", get_args(Activation))
def test_every_activation_trains(activation: Activation) -> None:
    net = UNet(3, 3, small(activation=activation)).train()
    backward(net(torch.rand(2, 3, 12, 20)))
    assert_every_weight_learns(net)


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
@pytest.mark.parametrize("normalisation", ["instance", "group", "none"])
def test_training_and_evaluation_agree_without_batch_normalisation_and_dropout(
    upsampling: Upsampling, normalisation: Normalisation
) -> None:
    net, image = UNet(3, 3, small(upsampling=upsampling, normalisation=normalisation)), torch.rand(2, 3, 24, 40)
    with torch.no_grad():
        assert torch.equal(net.train()(image), net.eval()(image))


def enlarged_by_hand(layer: nn.Module, coarse: Tensor, indices: Tensor, upsampling: Upsampling) -> Tensor:
    weights = dict(layer.named_parameters())
    if upsampling == "transposed":
        return F.conv_transpose2d(coarse, weights["weight"], weights["bias"], stride=2)
    narrow = F.conv2d(coarse, weights["narrow.weight"], weights["narrow.bias"])
    match upsampling:
        case "nearest":
            return narrow.repeat_interleave(2, 2).repeat_interleave(2, 3)
        case "bilinear" | "bicubic":
            return F.interpolate(narrow, scale_factor=2, mode=upsampling, align_corners=False)
        case "unpool":
            return F.max_unpool2d(narrow, indices, [2, 2])
    nails = narrow.new_zeros(*narrow.shape[:2], 2 * narrow.shape[2], 2 * narrow.shape[3])
    nails[:, :, ::2, ::2] = narrow
    return nails


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
def test_one_halving_is_what_can_be_worked_out_by_hand(upsampling: Upsampling) -> None:
    net = UNet(2, 3, small(depth=1, convolutions=1, normalisation="none", upsampling=upsampling))
    image = torch.rand(2, 2, 6, 10)

    def level(features: Tensor, name: str) -> Tensor:
        weights = net.state_dict()
        return F.relu(F.conv2d(features, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1))

    fine = level(image, "down.0.convolution1")
    pooled, indices = F.max_pool2d(fine, 2, return_indices=True)
    coarse = level(pooled, "down.1.convolution1")
    both = torch.cat([fine, enlarged_by_hand(net.enlarge[0], coarse, indices, upsampling)], dim=1)
    expected = F.conv2d(level(both, "up.0.convolution1"), net.classify.weight, net.classify.bias)
    torch.testing.assert_close(net(image), expected)


@pytest.mark.parametrize("upsampling", ["bicubic", "bed-of-nails", "unpool"])
def test_mixed_precision_moves_probabilities_by_less_than_a_fiftieth(upsampling: Upsampling) -> None:
    torch.manual_seed(0)
    net, image = UNet(3, 3, UNetOptions(width=8, upsampling=upsampling)).eval(), torch.rand(2, 3, 32, 64)
    with torch.no_grad():
        exact = net(image).softmax(1)
        with torch.autocast("cpu", torch.bfloat16):
            rough = net(image).float().softmax(1)
    assert float((rough - exact).abs().max()) < 0.02


@pytest.mark.parametrize("upsampling", ["bed-of-nails", "unpool"])
def test_what_places_values_among_zeros_can_be_exported(upsampling: Upsampling) -> None:
    net = UNet(3, 3, small(depth=1, upsampling=upsampling)).eval()
    batch = torch.export.Dim("batch")
    program = torch.export.export(net, (torch.rand(2, 3, 8, 8),), dynamic_shapes=({0: batch},))
    image = torch.rand(5, 3, 8, 8)
    torch.testing.assert_close(program.module()(image), net(image))


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_every_depth_takes_its_smallest_size(depth: int, normalisation: Normalisation) -> None:
    options = UNetOptions(depth=depth, width=2, groups=2, normalisation=normalisation)
    side = UNET.stride(options)
    assert UNet(1, 2, options).eval()(torch.rand(1, 1, side, side)).shape == (1, 2, side, side)


@pytest.mark.parametrize("convolutions", [1, 2, 3])
def test_parameters_are_those_of_a_u_net(convolutions: int) -> None:
    options = UNetOptions(depth=3, width=4, convolutions=convolutions, normalisation="none", upsampling="transposed")
    widths = [4, 8, 16, 32]

    def level(source: int, width: int) -> int:
        return 9 * source * width + width + (convolutions - 1) * (9 * width * width + width)

    expected = level(3, 4) + sum(level(above, below) for above, below in pairwise(widths))
    expected += sum(4 * below * above + above + level(2 * above, above) for above, below in pairwise(widths))
    assert parameters(options) == expected + 3 * (4 + 1)


def test_default_size() -> None:
    assert parameters(UNetOptions()) == 1_812_051


def test_default_net_is_still_the_one_that_existing_weights_were_trained_in() -> None:
    torch.manual_seed(0)
    net = UNet(3, 3, UNetOptions()).train()
    running = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    level = [
        *("convolution1.weight", *(f"normalisation1.{each}" for each in running)),
        *("convolution2.weight", *(f"normalisation2.{each}" for each in running)),
    ]
    assert list(net.state_dict()) == [
        *(f"down.{number}.{each}" for number in range(5) for each in level),
        *(f"enlarge.{number}.narrow.{each}" for number in range(4) for each in ("weight", "bias")),
        *(f"up.{number}.{each}" for number in range(4) for each in level),
        *("classify.weight", "classify.bias"),
    ]
    logits = net(torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    # What the net gave before it had any of the options that came later.
    expected = torch.tensor([0.28278735, 0.01063765, -0.10677399])
    torch.testing.assert_close(logits[0, :, 0, 0], expected, atol=1e-4, rtol=1e-4)


def test_sees_further_with_every_halving() -> None:
    sides = []
    for depth in (1, 2, 3):
        field = receptive_field(UNet(1, 2, small(depth=depth, upsampling="bilinear")), 1, 2**depth)
        assert field is not None
        # What the coarsest level alone sees: two 3x3 convolutions of 2**level pixels each on every level, and pooling.
        coarsest = 1 + sum(4 * 2**level for level in range(depth + 1)) + sum(2**level for level in range(depth))
        assert min(field) > coarsest
        sides.append(min(field))
    assert sides == sorted(set(sides))


def test_finest_detail_crosses_without_going_down() -> None:
    net = UNet(1, 2, UNetOptions(depth=2, width=4, normalisation="none")).eval()
    for parameter in net.enlarge.parameters():
        nn.init.zeros_(parameter)
    one_pixel = torch.zeros(1, 1, 32, 32)
    one_pixel[0, 0, 16, 16] = 1.0
    difference = (net(one_pixel) - net(torch.zeros(1, 1, 32, 32))).abs().sum(1)[0]
    rows = difference.sum(1).nonzero().flatten()
    assert len(rows) == 9, "two 3x3 convolutions down and two up, at full resolution only"


def test_coarse_levels_are_used() -> None:
    net = UNet(1, 2, UNetOptions(depth=3, width=4, normalisation="none")).eval()
    image = torch.zeros(1, 1, 128, 128)
    far = image.clone()
    far[0, 0, 64, 40] = 5.0
    with torch.no_grad():
        assert float((net(far) - net(image))[0, :, 64, 64].abs().sum()) > 0


def test_dropout_acts_in_training_only() -> None:
    net, image = UNet(3, 3, UNetOptions(depth=1, width=4, dropout=0.5)), torch.rand(1, 3, 16, 16)
    net.eval()
    assert torch.equal(net(image), net(image))
    net.train()
    assert not torch.equal(net(image), net(image))


def test_groups_that_do_not_divide_the_width_are_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match="width 12 needs groups to be one of 1, 2, 3, 4, 6, 12, not 8"):
        validate(UNetOptions, {"width": 12, "normalisation": "group"})
    validate(UNetOptions, {"width": 12})


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"depth": 7}, {"width": 0}, {"convolutions": 0}, {"dropout": 1.0}])
def test_impossible_numbers_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        validate(UNetOptions, wrong)


def test_deep_supervision_asks_every_coarser_level_while_it_is_trained() -> None:
    options = small(depth=4, deep_supervision=True)
    net, image = UNet(3, 5, options).train(), torch.rand(2, 3, 32, 48)
    result = net(image)
    assert {name: tuple(logits.shape) for name, logits in result.items()} == {
        CLASS_MAP: (2, 5, 32, 48),
        f"{CLASS_MAP}.1": (2, 5, 16, 24),
        f"{CLASS_MAP}.2": (2, 5, 8, 12),
        f"{CLASS_MAP}.3": (2, 5, 4, 6),
    }
    assert [logits.shape[2] for logits in auxiliary(result)] == [16, 8, 4]
    backward(result)
    assert_every_weight_learns(net)
    assert isinstance(net.eval()(image), Tensor)


def test_deep_supervision_changes_nothing_but_the_further_predictions() -> None:
    torch.manual_seed(3)
    plain = UNet(3, 3, small())
    torch.manual_seed(3)
    deep = UNet(3, 3, small(deep_supervision=True))
    image = torch.rand(2, 3, 12, 20)
    assert torch.equal(plain.train()(image), deep.train()(image)[CLASS_MAP])
    assert torch.equal(plain.eval()(image), deep.eval()(image))
    further = set(deep.state_dict()) - set(plain.state_dict())
    assert further == {"classify_coarser.0.weight", "classify_coarser.0.bias"}
    assert set(plain.state_dict()) <= set(deep.state_dict())


def test_deep_supervision_without_a_coarser_level_is_refused() -> None:
    with pytest.raises(ConfigError, match="deep_supervision needs a depth of 2, 3, 4, 5 or 6, not 1"):
        validate(UNetOptions, {"depth": 1, "deep_supervision": True})
    validate(UNetOptions, {"depth": 1})


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"upsampling": "cubic"}, UPSAMPLINGS),
        ({"normalisation": "layer"}, NORMALISATIONS),
        ({"activation": "step"}, get_args(Activation)),
        ({"dropout_place": "within"}, ("before", "after")),
        ({"transposed_kernel": 4}, ("2", "3")),
    ],
)
def test_unknown_choices_are_refused_with_the_known_ones(wrong: dict[str, object], allowed: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(UNetOptions, wrong)
    assert all(choice in caught.value.line for choice in allowed)


def test_the_salt_net_has_the_size_of_the_published_one() -> None:
    widths = [16, 32, 64, 128, 256]

    def level(source: int, width: int) -> int:
        return 9 * source * width + 9 * width * width + 2 * 2 * width

    expected = level(3, 16) + sum(level(above, below) + level(below, above) for above, below in pairwise(widths))
    expected += sum(9 * below * above + above for above, below in pairwise(widths)) + (16 + 1)
    # Notebooks print 2,161,649 for three channels and one class; 1,472 of these are biases in front of a batch
    # normalisation, which are subtracted again.
    assert expected == 2_161_649 - 1_472
    assert parameters(SaltUNetOptions(), 3, 1) == expected


def test_the_salt_net_is_the_u_net_with_other_choices() -> None:
    chosen = {"upsampling": "transposed", "transposed_kernel": 3, "dropout": 0.5, "dropout_place": "before"}
    assert SaltUNetOptions().model_dump() == UNetOptions.model_validate(chosen).model_dump()
    assert UNET_TGS.stride(SaltUNetOptions()) == 16


def test_the_salt_net_drops_half_of_the_values_in_front_of_every_level_but_the_first() -> None:
    net = UNet(1, 1, SaltUNetOptions())
    first = {name: next(iter(level.children())) for name, level in net.named_modules() if name[:-1] in ("down.", "up.")}
    assert {name for name, layer in first.items() if isinstance(layer, nn.Dropout)} == set(first) - {"down.0"}
    assert len([layer for layer in net.modules() if isinstance(layer, nn.Dropout)]) == 8
    assert all(layer.p == 0.5 for layer in net.modules() if isinstance(layer, nn.Dropout))
