from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.core.errors import ConfigError
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.models.fcn import FCN, Enlarge, FCNOptions

SMALL = FCNOptions(width=4, classifier_width=8)


def make(stride: int, options: FCNOptions = SMALL, classes: int = 3) -> FCN:
    torch.manual_seed(0)
    return FCN(3, classes, options, stride).eval()  # type: ignore[arg-type]


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.fixture
def image() -> Tensor:
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))


def silence(*layers: nn.Module) -> None:
    for layer in layers:
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)


def features_by_hand(net: FCN, image: Tensor) -> list[Tensor]:
    pooled = []
    for stage in net.encoder:
        image = F.max_pool2d(stage(image), 2)
        pooled.append(image)
    return pooled


def enlarged(scores: Tensor, factor: int) -> Tensor:
    return F.interpolate(scores, scale_factor=factor, mode="bilinear", align_corners=False)


def test_the_papers_size_has_the_papers_parameters() -> None:
    papers = {"width": 64, "classifier_width": 4096, "batch_norm": False}
    with torch.device("meta"):
        nets = {stride: build(ModelConfig(arch=f"fcn{stride}s", options=papers), 3, 21) for stride in (32, 16, 8)}
    up = {stride: 21 * 21 * (2 * stride) ** 2 for stride in (2, 8, 16, 32)}
    # Convolutions, fc6, fc7 and their scores: the 134 million of the paper's first table.
    without_up = 14_714_688 + 4096 * (49 * 512 + 1) + 4096 * (4096 + 1) + 21 * (4096 + 1)
    assert without_up == 134_346_581
    assert parameters(nets[32]) == without_up + up[32]
    assert parameters(nets[16]) == without_up + 21 * 513 + up[2] + up[16]
    assert parameters(nets[8]) == without_up + 21 * 513 + 21 * 257 + 2 * up[2] + up[8]


@pytest.mark.parametrize("factor", [2, 8, 16, 32])
def test_up_sampling_begins_as_bilinear_up_to_the_border(factor: int) -> None:
    scores = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(2))
    result = Enlarge(3, factor)(scores)
    torch.testing.assert_close(result, enlarged(scores, factor), atol=1e-5, rtol=1e-5)
    constant = torch.full((1, 3, 1, 2), 1.75)
    torch.testing.assert_close(Enlarge(3, factor)(constant), torch.full((1, 3, factor, 2 * factor), 1.75))


def test_up_sampling_is_learnt() -> None:
    layer = Enlarge(2, 4)
    before = layer.convolution.weight.detach().clone()
    layer(torch.randn(1, 2, 3, 3)).square().mean().backward()
    torch.optim.SGD(layer.parameters(), lr=0.1).step()
    assert not torch.equal(before, layer.convolution.weight)
    # Between different classes, too, where it begins with 0.
    assert bool(layer.convolution.weight[0, 1].any())


def test_fcn32s_is_its_definition(image: Tensor) -> None:
    net = make(32)
    features = features_by_hand(net, image)[-1]
    assert features.shape == (2, 32, 2, 3)
    expected = enlarged(net.score(net.classifier(features)), 32)
    torch.testing.assert_close(net(image), expected, atol=1e-5, rtol=1e-5)


def test_fcn16s_without_scores_of_the_fourth_stage_is_fcn32s_enlarged_in_two_steps(image: Tensor) -> None:
    coarse, net = make(32), make(16)
    shared = {name: tensor for name, tensor in coarse.state_dict().items() if not name.startswith("to_image")}
    assert not net.load_state_dict(shared, strict=False).unexpected_keys
    silence(net.finer_scores)
    scores = coarse.score(coarse.classifier(features_by_hand(coarse, image)[-1]))
    torch.testing.assert_close(net(image), enlarged(enlarged(scores, 2), 16), atol=1e-5, rtol=1e-5)


def test_fcn8s_adds_the_scores_of_three_stages(image: Tensor) -> None:
    net = make(8)
    third, fourth, fifth = features_by_hand(net, image)[2:]
    from_fourth, from_third = net.finer_scores
    sixteenth = enlarged(net.score(net.classifier(fifth)), 2) + from_fourth(fourth)
    eighth = enlarged(sixteenth, 2) + from_third(third)
    assert eighth.shape == (2, 3, 8, 12)
    torch.testing.assert_close(net(image), enlarged(eighth, 8), atol=1e-5, rtol=1e-5)


def test_a_finer_net_has_finer_detail() -> None:
    # In the score of a single place nothing is finer than the place itself: along a row, slopes change at centres only.
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    for stride in (32, 16, 8):
        row = make(stride)(image)[0, 0, 0].detach()
        bends = (row[2:] - 2 * row[1:-1] + row[:-2]).abs() > 1e-6
        places = {int(place) for place in (bends.nonzero().flatten() + 1) % stride}
        assert places <= {stride // 2 - 1, stride // 2}, "bilinear up-sampling bends between two pixels at a centre"
        assert places


def test_classifier_is_a_convolution_over_seven_by_seven_places() -> None:
    net = make(32)
    fc6, fc7 = (layer for layer in net.classifier.modules() if isinstance(layer, nn.Conv2d))
    assert fc6.kernel_size == (7, 7)
    assert fc7.kernel_size == (1, 1)
    assert (fc6.out_channels, fc7.out_channels) == (8, 8)


def test_dropout_acts_in_training_only(image: Tensor) -> None:
    net = make(8, FCNOptions(width=4, classifier_width=8, batch_norm=False))
    torch.testing.assert_close(net(image), net(image), atol=0, rtol=0)
    net.train()
    assert not torch.equal(net(image), net(image))
    dry = make(8, FCNOptions(width=4, classifier_width=8, batch_norm=False, dropout=0)).train()
    torch.testing.assert_close(dry(image), dry(image), atol=0, rtol=0)


def test_learns_squares_that_its_fields_can_show() -> None:
    torch.manual_seed(4)
    net = make(8).train()
    target = torch.zeros(2, 64, 64, dtype=torch.int64)
    target[0, 16:40, 8:32] = 1
    target[1, 32:56, 24:56] = 2
    image = F.one_hot(target, 3).movedim(-1, 1).float() + 0.1 * torch.randn(2, 3, 64, 64)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(net(image), target).backward()
        optimiser.step()
    assert float((net(image).argmax(1) == target).float().mean()) > 0.93


def test_an_impossible_width_is_refused() -> None:
    with pytest.raises(ConfigError, match="width"):
        build(ModelConfig(arch="fcn8s", options={"width": 0}), 3, 3)
