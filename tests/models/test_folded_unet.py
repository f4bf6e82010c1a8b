from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.models.folded_unet import FOLDED_UNET, FoldedUNet, FoldedUNetOptions


def test_all_but_the_ends_works_on_a_quarter_of_the_places() -> None:
    net, sizes = FoldedUNet(3, 3, FoldedUNetOptions(widths=(8, 12))).eval(), []
    for level in (*net.down, *net.up):
        level.register_forward_hook(lambda module, given, result: sizes.append(tuple(result.shape[2:])))
    assert net(torch.rand(1, 3, 16, 24)).shape == (1, 3, 16, 24)
    assert sizes == [(8, 12), (4, 6), (8, 12)]


def test_no_pixel_of_the_photograph_is_lost_by_folding() -> None:
    net = FoldedUNet(1, 2, FoldedUNetOptions(widths=(8, 8))).eval()
    image = torch.rand(1, 1, 8, 8)
    before = net(image)
    for row in range(2):
        for column in range(2):
            changed = image.clone()
            changed[..., 4 + row, 4 + column] += 1
            assert not torch.equal(net(changed), before)


@pytest.mark.parametrize("fold", [1, 2, 3])
def test_each_pixel_of_a_square_has_an_answer_of_its_own(fold: int) -> None:
    net = FoldedUNet(3, 2, FoldedUNetOptions(fold=fold, widths=(8, 8))).eval()
    with torch.no_grad():
        net.classify.weight.zero_()
        net.classify.bias.copy_(torch.arange(2.0 * fold**2))
    size = 2 * fold
    answers: Tensor = net(torch.rand(1, 3, size, size))
    expected = F.pixel_shuffle(torch.arange(2.0 * fold**2).view(1, -1, 1, 1).expand(1, -1, 2, 2), fold)
    assert torch.equal(answers, expected)


def test_its_stride_follows_from_the_options() -> None:
    assert FOLDED_UNET.stride(FoldedUNetOptions()) == 16
    assert FOLDED_UNET.stride(FoldedUNetOptions(fold=1, widths=(8, 8, 8))) == 4


@pytest.mark.parametrize("options", [{"widths": [8]}, {"widths": [8, 0]}, {"fold": 5}])
def test_bad_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        validate(FoldedUNetOptions, options)
