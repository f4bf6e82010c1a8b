from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.models.config import ModelConfig
from retseg.models.convolutions import Activation, Normalisation
from retseg.models.dilated import DILATED, Dilated, DilatedOptions
from retseg.models.receptive_field import receptive_field
from retseg.models.summary import summarise_model


@pytest.mark.parametrize(
    ("rates", "expected"),
    [((1, 1, 2, 4, 8, 16, 1), 67), ((2,), 5), ((1, 1, 1), 7), ((1, 2, 4), 15), ((3, 5), 17)],
)
def test_sees_one_pixel_and_twice_the_sum_of_its_rates(rates: tuple[int, ...], expected: int) -> None:
    assert expected == 1 + 2 * sum(rates)
    assert receptive_field(Dilated(3, 2, DilatedOptions(width=4, rates=rates)), 3) == (expected, expected)


def test_the_papers_context_layer_by_layer() -> None:
    """Table 1 of Yu and Koltun: receptive fields 3, 5, 9, 17, 33, 65, 67, and 67 with the 1x1 layer at the end."""
    rates = DilatedOptions().rates
    seen = [receptive_field(Dilated(3, 2, DilatedOptions(width=2, rates=rates[:n])), 3) for n in range(1, 8)]
    assert seen == [(side, side) for side in (3, 5, 9, 17, 33, 65, 67)]


def test_a_3x3_at_rate_2_reads_nine_points_of_5x5() -> None:
    net = Dilated(1, 1, DilatedOptions(width=1, rates=(2,), activation="elu", normalisation="none"))
    image = torch.zeros(1, 1, 11, 11, requires_grad=True)
    net(image)[0, 0, 5, 5].backward()
    assert image.grad is not None
    rows, columns = image.grad[0, 0].nonzero().T.tolist()
    assert sorted(set(rows)) == sorted(set(columns)) == [3, 5, 7]
    assert len(rows) == 9


def test_nothing_is_pooled() -> None:
    summary = summarise_model(ModelConfig(arch="dilated"), 3, 3, 48, 40)
    assert all(row.output_shape[2:] == (48, 40) for row in summary.rows)
    # 3 to 16 channels, six times 16 to 16, scale and offset of each normalisation, and 16 to 3 with bias.
    assert summary.parameters == 9 * 3 * 16 + 6 * 9 * 16 * 16 + 7 * 2 * 16 + 3 * (16 + 1)


@pytest.mark.parametrize("activation", get_args(Activation))
def test_no_activation_leaves_a_dead_net(activation: Activation) -> None:
    torch.manual_seed(0)
    net = Dilated(3, 2, DilatedOptions(activation=activation, normalisation="none", rates=(1, 1, 2, 4)))
    image = torch.rand(2, 3, 32, 32)
    F.cross_entropy(net(image), torch.randint(0, 2, (2, 32, 32))).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None
        assert float(parameter.grad.abs().max()) > 1e-5, name


@pytest.mark.parametrize("normalisation", get_args(Normalisation))
def test_takes_its_smallest_image(normalisation: Normalisation) -> None:
    options = DilatedOptions(normalisation=normalisation, width=8)
    side = DILATED.stride(options)
    assert Dilated(3, 2, options).eval()(torch.rand(1, 3, side, side)).shape == (1, 2, side, side)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rates": []}, "rates"),
        ({"rates": [1, 0]}, "rates"),
        ({"normalisation": "group", "width": 12}, "width 12 needs groups to be one of 1, 2, 3, 4, 6, 12, not 8"),
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(DilatedOptions, wrong)
