from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from retseg.core.errors import InputError
from retseg.models.config import ModelConfig
from retseg.models.summary import ModelSummary, summarise, summarise_model


@pytest.fixture(scope="module")
def segnet() -> ModelSummary:
    return summarise_model(ModelConfig(arch="segnet"), 3, 3, 224, 224)


def test_rows_of_the_lectures_net(segnet: ModelSummary) -> None:
    pixels = 224 * 224
    rows = [(row.type, row.output_shape, row.parameters, row.multiply_adds) for row in segnet.rows]
    assert rows == [
        ("Conv2d", (1, 64, 224, 224), 1792, pixels * 64 * 27),
        ("ReLU", (1, 64, 224, 224), 0, 0),
        ("MaxPool2d", (1, 64, 112, 112), 0, 0),
        ("MaxUnpool2d", (1, 64, 224, 224), 0, 0),
        ("Conv2d", (1, 3, 224, 224), 1731, pixels * 3 * 64 * 9),
    ]
    # Pooling keeps 4 bytes for each value and 8 for each remembered index.
    assert [row.activation_bytes for row in segnet.rows] == [
        4 * 64 * pixels, 4 * 64 * pixels, (4 + 8) * 64 * pixels // 4, 4 * 64 * pixels, 4 * 3 * pixels,
    ]  # fmt: skip


def test_totals_of_the_lectures_net(segnet: ModelSummary) -> None:
    pixels = 224 * 224
    assert segnet.parameters == segnet.trainable_parameters == 3523
    assert segnet.multiply_adds == pixels * 9 * 64 * 6
    assert segnet.receptive_field == (6, 6)
    # Busiest when ReLU reads one map of 64 channels and writes another, beside the weights and the image.
    assert segnet.inference_bytes == 4 * (2 * 64 * pixels + 3523 + 3 * pixels)
    assert segnet.training_bytes > segnet.inference_bytes + 2 * 4 * 3523


def test_costs_grow_with_the_image_and_parameters_do_not() -> None:
    small, large = (summarise_model(ModelConfig(), 3, 3, side, side) for side in (64, 128))
    assert large.parameters == small.parameters
    assert large.multiply_adds == 4 * small.multiply_adds
    assert large.activation_bytes == 4 * small.activation_bytes
    assert large.receptive_field == small.receptive_field


def test_a_huge_image_needs_no_memory() -> None:
    summary = summarise_model(ModelConfig(arch="segnet"), 3, 3, 20000, 20000)
    assert summary.inference_bytes > 200e9


def test_a_size_that_does_not_fit_names_the_padding() -> None:
    with pytest.raises(InputError, match="Pad 8 rows and 11 columns, to 592 x 576"):
        summarise_model(ModelConfig(), 3, 3, 584, 565)


class Own(nn.Module):
    """A net with a shared layer, a parameter and a matrix product of its own, and values that it looks at."""

    def __init__(self, looks: bool) -> None:
        super().__init__()
        self.shared = nn.Conv2d(3, 3, 3, padding=1)
        self.mix = nn.Parameter(torch.eye(3))
        self.frozen = nn.Conv2d(3, 3, 1).requires_grad_(False)
        self.looks = looks

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        features = self.shared(self.shared(image))
        if self.looks and features.detach().sum().item() > 1e9:
            features = features * 0
        mixed = torch.einsum("bchw,cd->bdhw", features, self.mix)
        return {"classes": self.frozen(mixed), "edges": mixed}


@pytest.mark.parametrize("looks", [False, True])
def test_somebodys_own_net(looks: bool) -> None:
    net = Own(looks).train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    summary = summarise(net, 3, 32, 64)
    rows = [(row.name, row.parameters, row.multiply_adds) for row in summary.rows]
    pixels = 32 * 64
    assert rows == [
        ("shared", 84, 81 * pixels),
        ("shared", 0, 81 * pixels),
        ("frozen", 12, 9 * pixels),
        ("Own", 9, 9 * pixels),
    ]
    assert summary.output_shapes == {"classes": (1, 3, 32, 64), "edges": (1, 3, 32, 64)}
    assert (summary.parameters, summary.trainable_parameters) == (84 + 12 + 9, 84 + 9)
    assert summary.receptive_field == (5, 5)
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_a_net_that_does_not_take_the_image_is_an_error_in_words() -> None:
    with pytest.raises(InputError, match="does not take images of 4 x 32 x 32"):
        summarise(nn.Conv2d(3, 3, 3), 4, 32, 32)


def keypoints(*, narrow: bool) -> nn.Sequential:
    """The lecture's net for 15 key points of a face: a grey image of 96 x 96 pixels to 30 coordinates.

    The lecture gives the sums only. These layers are the ones that were found to give both of them, the second with a
    1x1 convolution that brings 128 channels down to 16 in front of the fully connected layers.
    """
    shrink = [nn.Conv2d(128, 16, 1)] if narrow else []
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.PReLU(), nn.MaxPool2d(2)),  # 96 -> 94 -> 47
        *(nn.Conv2d(32, 64, 3), nn.PReLU(), nn.MaxPool2d(2)),  # 45 -> 22
        *(nn.Conv2d(64, 64, 3), nn.PReLU(), nn.MaxPool2d(2)),  # 20 -> 10
        *(nn.Conv2d(64, 128, 2), nn.PReLU(), *shrink, nn.Flatten()),  # 9
        *(nn.Linear((16 if narrow else 128) * 9 * 9, 256), nn.PReLU(), nn.Linear(256, 30)),
    )


@pytest.mark.parametrize(("narrow", "parameters", "layers"), [(False, 2_750_819, 15), (True, 430_451, 16)])
def test_the_lectures_keypoint_nets(narrow: bool, parameters: int, layers: int) -> None:
    summary = summarise(keypoints(narrow=narrow), 1, 96, 96)
    assert summary.parameters == sum(row.parameters for row in summary.rows) == parameters
    assert len(summary.rows) == layers
    assert summary.output_shapes == {"classes": (1, 30)}
    assert summary.receptive_field is None
    first = next(row for row in summary.rows if row.type == "Linear")
    assert first.multiply_adds == (16 if narrow else 128) * 81 * 256


def test_activations_are_what_all_layers_put_out() -> None:
    # At full resolution throughout: 8 and 16 channels of 32 x 32 pixels, 4 bytes each, and ReLU in place.
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(8, 16, 3, padding=1))
    assert summarise(net, 3, 32, 32).activation_bytes == 4 * 32 * 32 * (8 + 16)


def test_lazy_layers_get_their_shapes_from_the_image() -> None:
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(5))
    summary = summarise(net, 2, 6, 8)
    assert summary.parameters == (4 * 2 * 9 + 4) + (4 * 4 * 6 * 5 + 5)
    assert net[0].in_channels == 0, "the net itself is left as it was"


class Picky(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        assert image.shape[2:] == (24, 24), "24 x 24 only"
        return image


def test_whatever_a_net_raises_becomes_one_line() -> None:
    with pytest.raises(InputError, match="images of 3 x 32 x 32 .AssertionError: 24 x 24 only"):
        summarise(Picky(), 3, 32, 32)
    # And where only the probes for the receptive field are refused, the rest is told.
    assert summarise(Picky(), 3, 24, 24).receptive_field is None
