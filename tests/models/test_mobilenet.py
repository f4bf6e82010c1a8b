from __future__ import annotations

import torch

from retseg.models.mobilenet import MobileNetV2Encoder
from tests.models.published import CLASSIFIER, made_up, made_up_image, published_shapes

# Mean, standard deviation and the last channel's last row's first value of the features that torchvision 0.29.2's own
# net computes in evaluation mode from `made_up_image()` with the weights `made_up("mobilenet_v2")`: behind features.1,
# .3, .6, .13 and .18.
FEATURES_OF_TORCHVISION = [
    (0.01675, 0.915847, 0.467976),
    (0.0304677, 2.34441, 0.84224),
    (0.441434, 4.75409, -0.0385954),
    (-0.548487, 5.25293, 0.858176),
    (1.55916, 2.11645, 0.91559),
]


def test_names_and_shapes_are_the_published_ones_without_the_classifier() -> None:
    published = {k: v for k, v in published_shapes("mobilenet_v2").items() if not k.startswith(CLASSIFIER)}
    own = {name: tuple(tensor.shape) for name, tensor in MobileNetV2Encoder(3).state_dict().items()}
    assert own == published
    assert list(own) == list(published)


def test_features_are_those_that_torchvision_computes() -> None:
    net = MobileNetV2Encoder(3).eval()
    net.load_state_dict({k: v for k, v in made_up("mobilenet_v2").items() if not k.startswith(CLASSIFIER)})
    with torch.no_grad():
        found = [(float(f.mean()), float(f.std()), float(f[0, -1, -1, 0])) for f in net(made_up_image())]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(FEATURES_OF_TORCHVISION), rtol=1e-3, atol=1e-3)


def test_parameters_are_the_published_number_without_the_classifier() -> None:
    assert sum(p.numel() for p in MobileNetV2Encoder(3).parameters()) == 3_504_872 - (1280 + 1) * 1000


def test_every_map_halves_the_one_before() -> None:
    net = MobileNetV2Encoder(4).eval()
    with torch.no_grad():
        maps = net(torch.rand(1, 4, 64, 96))
    assert net.widths == (16, 24, 32, 96, 1280)
    assert [tuple(features.shape[1:]) for features in maps] == [
        (width, 64 // 2**level, 96 // 2**level) for level, width in enumerate(net.widths, start=1)
    ]
