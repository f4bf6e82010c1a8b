from __future__ import annotations

import pytest
import torch

from retseg.models.resnet import Depth, ResNetEncoder
from tests.models.published import CLASSIFIER, made_up, made_up_image, published_shapes

DEPTHS: list[Depth] = [18, 34, 50]

# Mean, standard deviation and the last channel's last row's first value of the features that torchvision 0.29.2's own
# nets compute in evaluation mode from `made_up_image()` with the weights `made_up(name)`: behind relu and each layer.
FEATURES_OF_TORCHVISION = {
    18: [
        (0.364057, 0.569373, 0.641812),
        (2.54255, 3.30909, 0.647801),
        (7.3243, 9.42676, 0.0),
        (15.6731, 19.7062, 2.21948),
        (20.3103, 26.8567, 0.455524),
    ],
    34: [
        (0.364057, 0.569373, 0.641812),
        (4.51265, 5.62922, 0.0),
        (22.5719, 30.0393, 1.92487),
        (207.111, 254.002, 337.195),
        (354.614, 424.904, 0.0),
    ],
    50: [
        (0.364057, 0.569373, 0.641812),
        (3.54694, 4.45659, 13.2294),
        (29.5745, 37.387, 0.158078),
        (536.215, 685.55, 0.0),
        (1792.65, 2178.05, 440.552),
    ],
}


@pytest.mark.parametrize("depth", DEPTHS)
def test_names_and_shapes_are_the_published_ones_without_the_classifier(depth: Depth) -> None:
    published = {k: v for k, v in published_shapes(f"resnet{depth}").items() if not k.startswith(CLASSIFIER)}
    own = {name: tuple(tensor.shape) for name, tensor in ResNetEncoder(depth, 3).state_dict().items()}
    assert own == published
    assert list(own) == list(published)


@pytest.mark.parametrize("depth", DEPTHS)
def test_features_are_those_that_torchvision_computes(depth: Depth) -> None:
    net = ResNetEncoder(depth, 3).eval()
    net.load_state_dict({k: v for k, v in made_up(f"resnet{depth}").items() if not k.startswith(CLASSIFIER)})
    with torch.no_grad():
        found = [(float(f.mean()), float(f.std()), float(f[0, -1, -1, 0])) for f in net(made_up_image())]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(FEATURES_OF_TORCHVISION[depth]), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("depth", "parameters"), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)])
def test_parameters_are_the_published_number_without_the_classifier(depth: Depth, parameters: int) -> None:
    net = ResNetEncoder(depth, 3)
    classifier = (net.widths[-1] + 1) * 1000
    assert sum(parameter.numel() for parameter in net.parameters()) == parameters - classifier


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_map_halves_the_one_before(depth: Depth) -> None:
    net = ResNetEncoder(depth, 4).eval()
    with torch.no_grad():
        maps = net(torch.rand(1, 4, 64, 96))
    assert [tuple(features.shape[1:]) for features in maps] == [
        (width, 64 // 2**level, 96 // 2**level) for level, width in enumerate(net.widths, start=1)
    ]


def test_handed_on_features_are_not_overwritten_by_what_follows() -> None:
    net, image = ResNetEncoder(18, 3).eval(), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        first = net(image)[0]
        assert torch.equal(first, net.bn1(net.conv1(image)).relu())
