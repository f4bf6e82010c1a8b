from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.networks.nets import BasicUNetPlusPlus
from torch import Tensor, nn

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.core.types import CLASS_MAP
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.models.unetpp import UNETPP, UNetPlusPlusOptions

SMALL: dict[str, object] = {"channels": [4, 4, 4, 6, 8]}
NAMES = [CLASS_MAP, f"{CLASS_MAP}.1", f"{CLASS_MAP}.2", f"{CLASS_MAP}.3"]


def make(**options: object) -> Any:
    return build(ModelConfig(arch="unetpp", options=SMALL | options), 3, 3)


def test_is_monais_own_net() -> None:
    torch.manual_seed(0)
    ours = make(activation="relu")
    torch.manual_seed(0)
    monais = BasicUNetPlusPlus(2, 3, 3, (4, 4, 4, 6, 8, 4), act="relu", norm="batch", bias=False)
    image = torch.rand(1, 3, 16, 32)
    assert torch.equal(ours.eval()(image), monais.eval()(image)[0])


def test_the_deepest_net_within_it_answers_and_the_shallower_ones_follow() -> None:
    net = make(deep_supervision=True).train()
    for halvings in (1, 2, 3, 4):
        classifier = net.net.get_submodule(f"final_conv_0_{halvings}")
        nn.init.zeros_(classifier.weight)
        nn.init.constant_(classifier.bias, halvings)
    result = net(torch.rand(2, 3, 16, 32))
    assert list(result) == NAMES
    assert all(logits.shape == (2, 3, 16, 32) for logits in result.values())
    assert [float(logits.detach().mean()) for logits in result.values()] == [4, 3, 2, 1]
    answer = net.eval()(torch.rand(2, 3, 16, 32))
    assert isinstance(answer, Tensor)
    assert float(answer.detach().mean()) == 4


@pytest.mark.parametrize("halvings", [1, 2, 3, 4])
def test_a_shallower_net_does_not_see_the_deeper_levels(halvings: int) -> None:
    net = make(deep_supervision=True, normalisation="none").train()
    image = torch.rand(1, 3, 16, 16)
    before = net(image)[NAMES[4 - halvings]]
    for level in range(halvings + 1, 5):
        for parameter in net.net.get_submodule(f"conv_{level}_0").parameters():
            nn.init.constant_(parameter, 0.5)
    assert torch.equal(net(image)[NAMES[4 - halvings]], before)


def test_deep_supervision_trains_every_weight() -> None:
    net = make(deep_supervision=True).train()
    result = net(torch.rand(2, 3, 16, 32))
    torch.stack([(logits * torch.rand_like(logits)).sum() for logits in result.values()]).sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.ndim < 2 or bool(parameter.grad.abs().sum() > 0), name


def test_without_deep_supervision_it_has_one_classifier() -> None:
    classifiers = {name.split(".")[1] for name in make().state_dict() if "final_conv" in name}
    assert classifiers == {"final_conv_0_4"}
    assert isinstance(make().train()(torch.rand(2, 3, 16, 32)), Tensor)


@pytest.mark.parametrize(("normalisation", "side"), [("batch", 16), ("instance", 32), ("none", 16)])
@pytest.mark.parametrize("activation", ["relu", "leakyrelu", "prelu", "elu"])
def test_every_choice_trains_at_its_smallest_size(normalisation: str, side: int, activation: str) -> None:
    assert UNETPP.stride(validate(UNetPlusPlusOptions, {"normalisation": normalisation})) == side
    net = make(normalisation=normalisation, activation=activation).train()
    net(torch.rand(2, 3, side, side)).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in net.parameters())


@pytest.mark.parametrize("normalisation", ["instance", "none"])
def test_training_and_evaluation_agree_without_batch_normalisation_and_dropout(normalisation: str) -> None:
    net, image = make(normalisation=normalisation), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(net.train()(image), net.eval()(image))


def test_its_encoder_is_the_way_down() -> None:
    names = list(make().state_dict())
    inside = {name.split(".")[1] for name in names if name.startswith(UNETPP.encoder)}
    assert inside == {"conv_0_0", "conv_1_0", "conv_2_0", "conv_3_0", "conv_4_0"}
    assert all(any(name.startswith(beginning) for name in names) for beginning in UNETPP.encoder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": [16, 32]}, r"channels needs five entries of 2 or more, .* not \[16, 32\]"),
        ({"channels": [16, 16, 32, 64, 1]}, r"five entries of 2 or more, .* not \[16, 16, 32, 64, 1\]"),
        ({"normalisation": "group"}, r"'batch', 'instance' or 'none'"),
        ({"activation": "tanh"}, r"'relu', 'leakyrelu', 'prelu' or 'elu'"),
    ],
)
def test_impossible_options_are_refused_with_the_possible_ones(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**options)
