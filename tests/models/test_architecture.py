from __future__ import annotations

import pytest
import torch

from retseg.core.config import validate
from retseg.core.errors import InputError
from retseg.core.types import CLASS_MAP
from retseg.models.architecture import check_input_size, outputs
from retseg.models.unet import UNET, UNetOptions


def test_bare_logits_are_the_class_map() -> None:
    logits = torch.zeros(1, 3, 4, 4)
    assert outputs(logits) == {CLASS_MAP: logits}


def test_named_outputs_keep_their_names() -> None:
    logits, distance = torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
    named = {CLASS_MAP: logits, "distance": distance}
    assert outputs(named) == named
    assert outputs(named) is not named


@pytest.mark.parametrize(
    ("height", "width", "padding"),
    [
        (584, 565, "Pad 8 rows and 11 columns, to 592 x 576"),
        (592, 565, "Pad 0 rows and 11 columns, to 592 x 576"),
        (1, 16, "Pad 15 rows and 0 columns, to 16 x 16"),
        (0, 16, "Pad 16 rows and 0 columns, to 16 x 16"),
    ],
)
def test_the_error_names_the_right_padding(height: int, width: int, padding: str) -> None:
    with pytest.raises(InputError, match="multiples of 16") as caught:
        check_input_size(UNET, UNetOptions(), height, width)
    assert padding in caught.value.line


def test_the_padding_follows_the_options() -> None:
    check_input_size(UNET, validate(UNetOptions, {"depth": 2}), 588, 564)
