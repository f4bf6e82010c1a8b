from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.core.config import validate
from retseg.core.errors import ConfigError
from retseg.models.convolutions import Activation, Initialisation
from retseg.models.patch_cnn import PatchCnn, PatchCnnOptions, remaining
from retseg.models.receptive_field import receptive_field

SMALL: dict[str, Any] = {"widths": (4, 6), "window": 13, "hidden": 8}


def make(in_channels: int = 3, classes: int = 3, **options: Any) -> PatchCnn:
    torch.manual_seed(0)
    return PatchCnn(in_channels, classes, PatchCnnOptions(**options)).eval()


def classifier(net: PatchCnn, options: PatchCnnOptions, in_channels: int, classes: int) -> nn.Sequential:
    """The net of one window as one would write it down: convolutions, 2x2 pooling, two fully connected layers."""
    plain = nn.Sequential()
    for source, width in pairwise([in_channels, *options.widths]):
        plain += nn.Sequential(nn.Conv2d(source, width, options.kernel), nn.ReLU(), nn.MaxPool2d(2))
    inputs = options.widths[-1] * remaining(options) ** 2
    plain += nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, options.hidden), nn.ReLU(), nn.Linear(options.hidden, classes)
    )
    learned = [layer for layer in plain if isinstance(layer, nn.Conv2d | nn.Linear)]
    filters = [*(stage.convolution for stage in net.stages), net.hidden]
    with torch.no_grad():
        for layer, own in zip(learned, filters, strict=False):
            layer.weight.copy_(own.filters().reshape(layer.weight.shape))
            layer.bias.copy_(own.bias)
        learned[-1].weight.copy_(net.classify.weight.flatten(1))
        learned[-1].bias.copy_(net.classify.bias)
    return plain


def cut(image: Tensor, window: int, row: int, column: int) -> Tensor:
    """The window around a pixel of an image (C, H, W), with the border pixels repeated, pixel by pixel."""
    height, width = image.shape[1:]
    first = (window - 1) // 2
    rows = [min(max(row - first + step, 0), height - 1) for step in range(window)]
    columns = [min(max(column - first + step, 0), width - 1) for step in range(window)]
    return image[:, rows][:, :, columns]


@pytest.mark.parametrize("window", [10, 11, 12, 13, 14, 17, 20, 27])
@pytest.mark.parametrize("kernel", [3, 4])
def test_all_at_once_window_by_window_and_the_plain_classifier_agree(window: int, kernel: int) -> None:
    chosen = {**SMALL, "window": max(window, 13) if kernel == 4 else window, "kernel": kernel}
    options, net = PatchCnnOptions(**chosen), make(**chosen)
    image = torch.rand(2, 3, 9, 14)
    plain = classifier(net, options, 3, 3)
    with torch.no_grad():
        expected = torch.empty(2, 3, 9, 14)
        for number, row in torch.cartesian_prod(torch.arange(2), torch.arange(9)).tolist():
            windows = torch.stack([cut(image[number], options.window, row, column) for column in range(14)])
            expected[number, :, row] = plain(windows).T
        torch.testing.assert_close(net(image), expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(net.window_by_window(image), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"activation": "gelu"}, {"normalisation": "none"}, {"window": 32}])
def test_the_default_net_gives_the_same_both_ways(options: dict[str, Any]) -> None:
    net, image = make(1, 2, **options), torch.rand(1, 1, 20, 24)
    with torch.no_grad():
        torch.testing.assert_close(net.window_by_window(image, 100), net(image), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_the_number_of_windows_at_a_time_makes_no_difference(batch: int) -> None:
    net, image = make(**SMALL), torch.rand(2, 3, 5, 6)
    with torch.no_grad():
        torch.testing.assert_close(net.window_by_window(image, batch), net(image), atol=1e-5, rtol=1e-5)


def test_every_window_has_its_pixel_in_the_middle() -> None:
    for window, middle in ((13, 6), (14, 6)):
        image = torch.rand(1, 3, 5, 6)
        windows = make(**{**SMALL, "window": window}).windows(image)
        assert windows.shape == (1, 5, 6, 3, window, window)
        assert torch.equal(windows[..., middle, middle], image.movedim(1, 3))
        assert torch.equal(windows[0, 1, 5], cut(image[0], window, 1, 5))


@pytest.mark.parametrize("normalisation", ["weights", "none"])
def test_a_regions_loss_has_the_gradient_of_the_mean_over_its_windows(normalisation: str) -> None:
    net = make(**SMALL, normalisation=normalisation).double().train()
    image, labels = torch.rand(1, 3, 12, 16, dtype=torch.float64), torch.randint(0, 3, (1, 12, 16))
    region = torch.zeros(1, 12, 16, dtype=torch.bool)
    region[:, 2:9, 3:11] = True

    loss = F.cross_entropy(net(image), labels.where(region, -1), ignore_index=-1)
    loss.backward()
    together = {name: parameter.grad for name, parameter in net.named_parameters()}

    net.zero_grad(set_to_none=True)
    windows, own = net.windows(image)[region], labels[region]
    assert windows.shape == (7 * 8, 3, 13, 13)
    # One patch at a time, as a loop over patches would, and the mean of their losses.
    mean = torch.stack([F.cross_entropy(net.judge(w[None]), t[None]) for w, t in zip(windows, own, strict=True)]).mean()
    mean.backward()
    torch.testing.assert_close(loss, mean, atol=1e-12, rtol=1e-10)
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None
        assert float(parameter.grad.abs().sum()) > 0, name
        torch.testing.assert_close(together[name], parameter.grad, atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize(("window", "kernel", "sees"), [(29, 4, 29), (30, 4, 29), (37, 4, 37), (26, 3, 22)])
def test_sees_its_window_as_far_as_pooling_comes_out_even(window: int, kernel: int, sees: int) -> None:
    net = make(window=window, kernel=kernel, widths=(2, 2, 2), hidden=2)
    assert receptive_field(net, 3) == (sees, sees)


def test_standardised_filters_have_mean_zero_and_their_length() -> None:
    net = make()
    for layer in (*(stage.convolution for stage in net.stages), net.hidden):
        filters = layer.filters().flatten(1)
        torch.testing.assert_close(filters.mean(1), torch.zeros(len(filters)), atol=1e-6, rtol=0)
        torch.testing.assert_close(filters.norm(dim=1), torch.full((len(filters),), 2**0.5))
    plain = make(normalisation="none")
    assert torch.equal(plain.hidden.filters(), plain.hidden.weight)


@pytest.mark.parametrize("activation", get_args(Activation))
def test_no_activation_leaves_a_dead_net(activation: Activation) -> None:
    net = make(**SMALL, activation=activation).train()
    image = torch.rand(1, 3, 16, 16)
    target = (image.mean(1) > 0.5).long()
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-2)
    losses = []
    for _ in range(40):
        loss = F.cross_entropy(net(image), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("how", get_args(Initialisation))
def test_every_initialisation_reaches_every_parameter(how: Initialisation) -> None:
    net = make(**SMALL, initialisation=how, normalisation="none").train()
    F.cross_entropy(net(torch.rand(1, 3, 16, 16)), torch.randint(0, 3, (1, 16, 16))).backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in net.parameters())


def test_a_net_of_the_papers_size_fits() -> None:
    options = PatchCnnOptions(window=95, widths=(48, 48, 48, 48), hidden=200, normalisation="none")
    assert remaining(options) == 3
    expected = 16 * (1 * 48 + 3 * 48 * 48) + 4 * 48 + (9 * 48 * 200 + 200) + 2 * (200 + 1)
    assert sum(p.numel() for p in PatchCnn(1, 2, options).parameters()) == expected


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"window": 28}, "3 convolutions of 4x4, each with pooling, need a window of at least 29, not 28"),
        ({"window": 9, "kernel": 3, "widths": [4, 4]}, "at least 10, not 9"),
        ({"widths": []}, "widths"),
        ({"normalisation": "batch"}, "normalisation"),
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(PatchCnnOptions, wrong)
    validate(PatchCnnOptions, {"window": 10, "kernel": 3, "widths": [4, 4]})
