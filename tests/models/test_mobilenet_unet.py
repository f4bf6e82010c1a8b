from __future__ import annotations

import torch
from torch import nn

from retseg.models.mobilenet_unet import MOBILENET_UNET, MobileNetUNetOptions
from retseg.models.resunet import RESUNET18, ResUNetOptions
from tests.models.published import CLASSIFIER, published_shapes


def make() -> nn.Module:
    torch.manual_seed(0)
    return MOBILENET_UNET.build(3, 3, MobileNetUNetOptions())


def test_the_encoder_has_the_published_names_under_its_prefix() -> None:
    encoder = {name for name in make().state_dict() if name.startswith(MOBILENET_UNET.encoder)}
    assert encoder == {f"encoder.{k}" for k in published_shapes("mobilenet_v2") if not k.startswith(CLASSIFIER)}


def test_the_published_file_is_named_after_its_digest() -> None:
    published = MOBILENET_UNET.published
    assert published is not None
    assert published.url == f"https://download.pytorch.org/models/mobilenet_v2-{published.digest}.pth"
    assert set(published.dropped) == {k for k in published_shapes("mobilenet_v2") if k.startswith(CLASSIFIER)}


def test_its_decoder_is_lighter_than_that_of_the_residual_nets() -> None:
    def decoder(net: nn.Module) -> int:
        return sum(p.numel() for name, p in net.named_parameters() if name.startswith("decoder."))

    assert decoder(make()) < 0.5 * decoder(RESUNET18.build(3, 3, ResUNetOptions()))


def test_the_decoder_alone_learns_on_a_frozen_random_encoder() -> None:
    net = make()
    net.encoder.requires_grad_(False).eval()
    before = {name: tensor.clone() for name, tensor in net.encoder.state_dict().items()}
    image = torch.rand(2, 3, 64, 64)
    target = (image.mean(1) > 0.5).long()
    optimiser = torch.optim.Adam(net.decoder.parameters(), lr=1e-2)
    losses = []
    for _ in range(15):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(net(image), target)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
    assert all(torch.equal(before[name], tensor) for name, tensor in net.encoder.state_dict().items())
