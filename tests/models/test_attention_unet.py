from __future__ import annotations

import pytest
import torch
from monai.networks.nets import AttentionUnet

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.models.attention_unet import ATTENTION_UNET, AttentionUNetOptions
from retseg.models.build import build
from retseg.models.config import ModelConfig


def test_is_monais_own_net() -> None:
    options = {"channels": [8, 16, 32], "strides": [2, 3], "dropout": 0.1}
    torch.manual_seed(0)
    ours = build(ModelConfig(arch="attention-unet", options=options), 3, 4)
    torch.manual_seed(0)
    monais = AttentionUnet(2, 3, 4, (8, 16, 32), (2, 3), dropout=0.1)
    image = torch.rand(1, 3, 12, 18)
    assert torch.equal(ours.eval()(image), monais.eval()(image))


def test_default_is_about_as_large_as_our_u_net() -> None:
    sizes = [
        sum(p.numel() for p in build(ModelConfig(arch=arch), 3, 3).parameters()) for arch in ("attention-unet", "unet")
    ]
    assert 0.8 < sizes[0] / sizes[1] < 1.25


@pytest.mark.parametrize(
    ("strides", "multiple"), [([1, 1], 2), ([1, 2], 2), ([2, 1], 4), ([3, 2], 6), ([2, 2], 4), ([4, 4], 16)]
)
def test_every_stride_trains_at_its_smallest_size(strides: list[int], multiple: int) -> None:
    options = {"channels": [4, 6, 8], "strides": strides}
    net = build(ModelConfig(arch="attention-unet", options=options), 2, 3)
    side = ATTENTION_UNET.stride(validate(AttentionUNetOptions, options))
    assert side == multiple
    for width in (1, 3):
        assert net.train()(torch.rand(2, 2, side, side * width)).shape == (2, 3, side, side * width)
        assert net.eval()(torch.rand(1, 2, side, side * width)).shape == (1, 3, side, side * width)


@pytest.mark.parametrize(("openness", "crosses"), [(50.0, True), (-200.0, False)])
def test_the_gates_decide_whether_fine_features_cross_over(openness: float, crosses: bool) -> None:
    net = build(ModelConfig(arch="attention-unet", options={"channels": [4, 8], "strides": [2]}), 1, 2).eval()
    # Nothing comes from below, so what changes the answer has crossed over.
    for parameter in net.get_submodule("model.1.upconv").parameters():
        torch.nn.init.zeros_(parameter)
    gate = net.get_parameter("model.1.attention.psi.1.bias")
    torch.nn.init.constant_(gate, openness)
    with torch.no_grad():
        one, other = net(torch.rand(1, 1, 16, 16)), net(torch.rand(1, 1, 16, 16))
    assert torch.equal(one, other) != crosses


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": [16]}, r"channels needs two levels or more"),
        ({"channels": [16, 1], "strides": [2]}, r"2 or more, not \[16, 1\]"),
        ({"channels": [16, 32], "strides": [2, 2]}, r"strides needs 1 entries of 1, 2, 3 or 4 .* not \[2, 2\]"),
        ({"channels": [16, 32], "strides": [5]}, r"1, 2, 3 or 4 .* not \[5\]"),
        ({"normalisation": "batch"}, r"unknown configuration key 'normalisation'"),
    ],
)
def test_impossible_combinations_are_refused_with_the_possible_ones(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(ModelConfig(arch="attention-unet", options=options), 3, 3)
