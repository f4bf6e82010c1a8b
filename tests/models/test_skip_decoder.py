from __future__ import annotations

from typing import get_args

import pytest
import torch

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.models.skip_decoder import SkipDecoder, SkipDecoderOptions
from retseg.models.upsampling import Enlarging

ENCODER = (4, 6, 8, 10, 12)
NARROW = SkipDecoderOptions(decoder=(10, 8, 6, 4, 4))


def features(side: int = 64) -> list[torch.Tensor]:
    return [torch.rand(2, width, side // 2**level, side // 2**level) for level, width in enumerate(ENCODER, start=1)]


@pytest.mark.parametrize("upsampling", get_args(Enlarging))
def test_every_way_of_enlarging_reaches_full_resolution(upsampling: Enlarging) -> None:
    decoder = SkipDecoder(3, ENCODER, 5, NARROW.model_copy(update={"upsampling": upsampling}))
    assert decoder(torch.rand(2, 3, 64, 64), features()).shape == (2, 5, 64, 64)


@pytest.mark.parametrize("level", range(5))
def test_every_map_of_the_encoder_is_used(level: int) -> None:
    decoder = SkipDecoder(3, ENCODER, 2, NARROW).eval()
    image, encoded = torch.rand(2, 3, 64, 64), features()
    changed = [*encoded]
    changed[level] = changed[level] + 1
    with torch.no_grad():
        assert not torch.allclose(decoder(image, encoded), decoder(image, changed))


def test_the_finest_detail_comes_from_the_image_itself() -> None:
    decoder, image, encoded = SkipDecoder(1, ENCODER, 2, NARROW).eval(), torch.zeros(2, 1, 64, 64), features()
    one_pixel = image.clone()
    one_pixel[:, :, 33, 33] = 1
    with torch.no_grad():
        rows = (decoder(one_pixel, encoded) - decoder(image, encoded)).abs().sum((0, 1, 3)).nonzero().flatten()
    # Three 3x3 convolutions see seven pixels.
    assert rows.tolist() == list(range(30, 37))


def test_parameters_are_those_of_a_u_nets_decoder() -> None:
    widths, across = NARROW.decoder, (10, 8, 6, 4, 4)

    def convolution(source: int, width: int) -> int:
        return 9 * source * width + 2 * width

    expected = convolution(3, widths[-1]) + 5 * (widths[-1] + 1)
    for below, width, skipped in zip((12, *widths), widths, across, strict=False):
        expected += (below + 1) * width + convolution(width + skipped, width) + convolution(width, width)
    assert sum(p.numel() for p in SkipDecoder(3, ENCODER, 5, NARROW).parameters()) == expected


@pytest.mark.parametrize("wrong", [[8, 8, 8, 8], [8, 8, 8, 8, 0], [8, 8, 8, 8, 2000]])
def test_impossible_widths_are_refused(wrong: list[int]) -> None:
    with pytest.raises(ConfigError, match="decoder"):
        validate(SkipDecoderOptions, {"decoder": wrong})
