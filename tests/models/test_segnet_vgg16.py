from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.models.segnet_vgg16 import SegNetVGG16, SegNetVGG16Options

SMALL = SegNetVGG16Options(width=2)


def make(classes: int = 3) -> SegNetVGG16:
    torch.manual_seed(0)
    return SegNetVGG16(3, classes, SMALL)


def convolutions(net: nn.Module) -> list[nn.Conv2d]:
    return [module for module in net.modules() if isinstance(module, nn.Conv2d)]


def test_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        net = build(ModelConfig(arch="segnet-vgg16"), 3, 11)
    parameters = sum(parameter.numel() for parameter in net.parameters())
    weights = 14_714_688 - 4224  # VGG16's thirteen convolutions, less their biases
    decoder = weights - 9 * 64 * 3 + 9 * 64 * 11  # the mirror image ends in classes instead of colours
    narrowed = 512 + 512 + 512 + 512 + 512 + 256 + 256 + 256 + 128 + 128 + 64 + 64  # channels of its twelve blocks
    assert parameters == weights + 2 * 4224 + decoder + 2 * narrowed + 11
    assert 29.4e6 < parameters < 29.5e6, "the 29.45 million of the paper's eleven classes"


def test_the_decoder_mirrors_the_encoder() -> None:
    net = make(classes=5)
    down = [(layer.in_channels, layer.out_channels) for layer in convolutions(net.encoder)]
    up = [(layer.in_channels, layer.out_channels) for layer in [*convolutions(net.decoder), net.classify]]
    assert len(down) == len(up) == 13
    mirrored = [(out, into) for into, out in reversed(down)]
    assert up == [*mirrored[:-1], (2, 5)]


def placed(values: Tensor, features: Tensor) -> Tensor:
    """`values`, one for each 2x2 window of `features`, each where the window's largest feature is; 0 elsewhere."""
    windows = features.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    cells = F.one_hot(windows.argmax(-1), 4) * values.unsqueeze(-1)
    return cells.unflatten(4, (2, 2)).permute(0, 1, 2, 4, 3, 5).reshape(features.shape)


def test_unpooling_puts_values_where_the_maxima_of_the_same_stage_were() -> None:
    net, image = make().eval(), torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(1))
    seen = []
    features = image
    with torch.no_grad():
        for stage in net.encoder:
            # Windows without any value above 0 are ties, which both sides settle by the first place.
            seen.append(stage(features))
            features = F.max_pool2d(seen[-1], 2)
        for stage, before in zip(net.decoder, reversed(seen), strict=True):
            features = stage(placed(features, before))
        torch.testing.assert_close(net(image), net.classify(features), atol=1e-5, rtol=1e-5)


def test_mixed_precision_remembers_the_same_places() -> None:
    net = make().eval()
    image = torch.rand(1, 3, 4, 4).repeat_interleave(16, 2).repeat_interleave(16, 3) + 1e-4 * torch.rand(1, 3, 64, 64)
    places: list[Tensor] = []
    net.pool.register_forward_hook(lambda module, inputs, result: places.append(result[1]))
    with torch.no_grad():
        exact = net(image)
        with torch.autocast("cpu", torch.bfloat16):
            rough = net(image)
    assert len(places) == 10
    assert all(torch.equal(first, second) for first, second in zip(places[:5], places[5:], strict=True))
    assert rough.dtype == torch.bfloat16, "the decoder, which moves no pixel, does use mixed precision"
    assert float((rough.float().softmax(1) - exact.softmax(1)).abs().max()) < 0.02


def test_takes_half_precision_images_under_mixed_precision() -> None:
    net, image = make().eval(), torch.rand(1, 3, 32, 32)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert net(image.bfloat16()).shape == (1, 3, 32, 32)
