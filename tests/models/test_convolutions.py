from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.models.convolutions import (
    Activation,
    Initialisation,
    Normalisation,
    SmallNetOptions,
    activation,
    check_groups,
    convolution_block,
    initialise,
    normalisation,
)


@pytest.mark.parametrize(
    ("name", "at_minus_one", "at_two"),
    [
        ("relu", 0.0, 2.0),
        ("leaky-relu", -0.01, 2.0),
        ("prelu", -0.25, 2.0),
        ("elu", -0.632121, 2.0),
        ("selu", -1.111331, 2.101402),
        ("gelu", -0.158655, 1.954500),
        ("silu", -0.268941, 1.761594),
        ("tanh", -0.761594, 0.964028),
    ],
)
def test_activations_by_hand(name: Activation, at_minus_one: float, at_two: float) -> None:
    result = activation(name)(torch.tensor([[-1.0, 2.0]]))
    torch.testing.assert_close(result, torch.tensor([[at_minus_one, at_two]]), atol=1e-5, rtol=0)


def test_the_table_above_has_every_activation() -> None:
    marks = test_activations_by_hand.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {row[0] for row in marks} == set(get_args(Activation))


@pytest.mark.parametrize("name", get_args(Activation))
@pytest.mark.parametrize("how", ["kaiming", "xavier", "orthogonal"])
def test_values_keep_their_size_through_twenty_layers(name: Activation, how: Initialisation) -> None:
    torch.manual_seed(0)
    options = SmallNetOptions(activation=name, initialisation=how, normalisation="none")
    net = nn.Sequential(*(convolution_block(32, 32, options) for _ in range(20)))
    with torch.no_grad():
        spread = float(net(torch.randn(4, 32, 24, 24)).std())
    # Zeros around the image take a little in every layer. Torch's own initial weights leave about 1e-8 with ReLU.
    assert 1e-3 < spread < 30


def test_a_deviation_of_a_hundredth_fades_without_normalisation_and_not_with_it() -> None:
    torch.manual_seed(0)
    spread = {}
    for name in ("none", "batch"):
        options = SmallNetOptions(initialisation="normal", normalisation=name)
        net = nn.Sequential(*(convolution_block(32, 32, options) for _ in range(10)))
        with torch.no_grad():
            spread[name] = float(net(torch.randn(4, 32, 24, 24)).std())
    assert spread["none"] < 1e-6
    assert spread["batch"] > 0.3


def test_initial_weights_are_those_of_the_papers() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(64, 128, 3)
    initialise(layer, "kaiming")
    assert float(layer.weight.detach().std()) == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)
    assert not layer.bias.any()
    initialise(layer, "xavier", "selu")
    assert float(layer.weight.detach().abs().max()) == pytest.approx((6 / (9 * (64 + 128))) ** 0.5, rel=0.01)
    initialise(layer, "orthogonal", "relu")
    rows = layer.weight.flatten(1)
    torch.testing.assert_close(rows @ rows.T, 2 * torch.eye(128), atol=1e-4, rtol=0)
    initialise(layer, "normal")
    assert float(layer.weight.detach().std()) == pytest.approx(0.01, rel=0.02)


def test_default_leaves_torchs_own_weights() -> None:
    layer = nn.Conv2d(3, 4, 3)
    before = layer.weight.clone(), layer.bias.clone()
    initialise(layer, "default")
    assert torch.equal(layer.weight, before[0])
    assert torch.equal(layer.bias, before[1])


@pytest.mark.parametrize("how", get_args(Initialisation))
def test_the_seed_decides_the_weights(how: Initialisation) -> None:
    options = SmallNetOptions(initialisation=how)

    def weight(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return convolution_block(3, 8, options).convolution.weight

    assert torch.equal(weight(1), weight(1))
    assert not torch.equal(weight(1), weight(2))


@pytest.mark.parametrize(
    ("name", "axes"), [("batch", (0, 2, 3)), ("instance", (2, 3))], ids=["over the batch", "over one image"]
)
def test_normalisations_normalise_over_what_they_say(name: Normalisation, axes: tuple[int, ...]) -> None:
    features = 5 + 3 * torch.randn(3, 8, 6, 6) * torch.arange(1, 4)[:, None, None, None]
    layer = normalisation(name, 8)
    assert layer is not None
    result = layer.train()(features)
    torch.testing.assert_close(result.mean(axes), torch.zeros_like(result.mean(axes)), atol=1e-5, rtol=0)
    torch.testing.assert_close(result.std(axes, correction=0), torch.ones_like(result.mean(axes)), atol=1e-3, rtol=0)


def test_group_normalisation_normalises_over_a_group_of_channels() -> None:
    layer = normalisation("group", 8, groups=2)
    assert layer is not None
    result = layer(5 + 3 * torch.randn(2, 8, 6, 6)).unflatten(1, (2, 4))
    torch.testing.assert_close(result.mean((2, 3, 4)), torch.zeros(2, 2), atol=1e-5, rtol=0)


def test_none_is_no_layer_and_then_the_convolution_has_a_bias() -> None:
    assert normalisation("none", 8) is None
    bare = convolution_block(3, 8, SmallNetOptions(normalisation="none"))
    assert [name for name, _ in bare.named_children()] == ["convolution", "activation"]
    assert bare.convolution.bias is not None
    assert convolution_block(3, 8, SmallNetOptions()).convolution.bias is None


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (5, 1), (3, 4), (5, 3)])
def test_a_block_keeps_the_size(kernel: int, dilation: int) -> None:
    block = convolution_block(3, 8, SmallNetOptions(), kernel=kernel, dilation=dilation)
    assert block(torch.rand(2, 3, 9, 12)).shape == (2, 8, 9, 12)


def test_a_block_is_convolution_then_normalisation_then_activation() -> None:
    block, image = convolution_block(3, 8, SmallNetOptions(activation="elu")), torch.rand(2, 3, 9, 12)
    convolved = F.conv2d(image, block.convolution.weight, padding=1)
    expected = F.elu(F.batch_norm(convolved, None, None, training=True))
    torch.testing.assert_close(block.train()(image), expected, atol=1e-5, rtol=1e-5)


def test_groups_that_do_not_divide_a_width_name_those_that_do() -> None:
    check_groups("group", 4, [8, 16])
    check_groups("batch", 5, [8, 16])
    with pytest.raises(ValueError, match="width 12 needs groups to be one of 1, 2, 3, 4, 6, 12, not 8"):
        check_groups("group", 8, [8, 12])


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"activation.*'relu'.*'tanh'"):
        validate(SmallNetOptions, {"activation": "sigmoid"})
