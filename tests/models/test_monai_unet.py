from __future__ import annotations

import pytest
import torch
from monai.networks.nets import UNet

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.models.monai_unet import MONAI_UNET, MonaiUNetOptions


def test_is_monais_own_net() -> None:
    options = {"channels": [8, 16, 32], "strides": [2, 2], "residual_units": 1, "activation": "relu"}
    torch.manual_seed(0)
    ours = build(ModelConfig(arch="monai-unet", options=options), 3, 4)
    torch.manual_seed(0)
    monais = UNet(2, 3, 4, (8, 16, 32), (2, 2), num_res_units=1, act="relu", norm="batch")
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(ours.eval()(image), monais.eval()(image))


def test_default_is_about_as_large_as_our_u_net() -> None:
    sizes = [
        sum(p.numel() for p in build(ModelConfig(arch=arch), 3, 3).parameters()) for arch in ("monai-unet", "unet")
    ]
    assert 0.8 < sizes[0] / sizes[1] < 1.25


@pytest.mark.parametrize("normalisation", ["batch", "instance", "none"])
@pytest.mark.parametrize(("strides", "multiple"), [([1, 1], 1), ([1, 2], 2), ([3, 2], 6), ([4, 4], 16)])
def test_every_stride_gives_back_the_size_of_the_input(strides: list[int], multiple: int, normalisation: str) -> None:
    options = {"channels": [4, 6, 8], "strides": strides, "normalisation": normalisation, "residual_units": 0}
    net = build(ModelConfig(arch="monai-unet", options=options), 2, 3).eval()
    side = MONAI_UNET.stride(validate(MonaiUNetOptions, options))
    assert side == multiple * (2 if normalisation == "instance" else 1)
    for times in (1, 3):
        assert net(torch.rand(1, 2, side * times, side * 2)).shape == (1, 3, side * times, side * 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": [16]}, r"channels needs two levels or more"),
        ({"channels": [16, 0], "strides": [2]}, r"1 or more, not \[16, 0\]"),
        ({"channels": [16, 32], "strides": [2, 2]}, r"strides needs 1 entries of 1, 2, 3 or 4 .* not \[2, 2\]"),
        ({"channels": [16, 32], "strides": [5]}, r"1, 2, 3 or 4 .* not \[5\]"),
        ({"normalisation": "group"}, r"'batch', 'instance' or 'none'"),
    ],
)
def test_impossible_combinations_are_refused_with_the_possible_ones(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(ModelConfig(arch="monai-unet", options=options), 3, 3)
