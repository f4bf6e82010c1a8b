from __future__ import annotations

import pytest
import torch

from retseg.models.architecture import Architecture
from retseg.models.resunet import RESUNET18, RESUNET34, RESUNET50, ResUNetOptions
from tests.models.published import CLASSIFIER, published_shapes

ALL = pytest.mark.parametrize(("architecture", "depth"), [(RESUNET18, 18), (RESUNET34, 34), (RESUNET50, 50)])


@ALL
def test_the_encoder_has_the_published_names_under_its_prefix(architecture: Architecture, depth: int) -> None:
    net = architecture.build(3, 3, ResUNetOptions())
    encoder = {name for name in net.state_dict() if name.startswith(architecture.encoder)}
    expected = {f"encoder.{k}" for k in published_shapes(f"resnet{depth}") if not k.startswith(CLASSIFIER)}
    assert encoder == expected
    assert {name.partition(".")[0] for name in net.state_dict()} == {"encoder", "decoder"}


@ALL
def test_the_published_file_is_named_after_its_digest(architecture: Architecture, depth: int) -> None:
    published = architecture.published
    assert published is not None
    assert published.url == f"https://download.pytorch.org/models/resnet{depth}-{published.digest}.pth"
    assert set(published.dropped) == {name for name in published_shapes(f"resnet{depth}") if name.startswith("fc.")}
    # Four bytes a number; the file's size is told in whole megabytes.
    numbers = sum(torch.Size(shape).numel() for shape in published_shapes(f"resnet{depth}").values())
    assert published.megabytes == pytest.approx(4 * numbers / 2**20, abs=1.0)


def test_trains_where_the_coarsest_level_is_a_single_pixel() -> None:
    net = RESUNET18.build(3, 2, ResUNetOptions(decoder=(8, 8, 8, 8, 8))).train()
    net(torch.rand(2, 3, 32, 32)).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in net.parameters())


def test_the_decoders_widths_are_a_choice() -> None:
    net = RESUNET18.build(3, 7, ResUNetOptions(decoder=(20, 16, 12, 8, 4), upsampling="bilinear"))
    assert net.decoder.classify.weight.shape == (7, 4, 1, 1)
    assert net.eval()(torch.rand(1, 3, 32, 64)).shape == (1, 7, 32, 64)
