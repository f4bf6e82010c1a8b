from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from retseg.core.config import Section
from retseg.core.errors import CheckpointError, ConfigError, ImageError
from retseg.core.registry import Registry
from retseg.core.types import CLASS_MAP
from retseg.datasets.base import VESSELS
from retseg.imaging.config import InputConfig
from retseg.inference import predictor as predictor_module
from retseg.inference.config import PredictConfig
from retseg.inference.predictor import Predictor
from retseg.models.architecture import Architecture
from retseg.models.registry import MODELS

CPU = torch.device("cpu")
EXACT = PredictConfig(precision="float32")
AS_IT_IS = InputConfig(normalise="unit", crop=False)


class FixedOptions(Section):
    """A net that takes one size only has no options here."""


class FixedSize(nn.Module):
    """Refuses any window that is not 64x64."""

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        assert windows.shape[2:] == (64, 64)
        return windows


FIXED = Architecture(
    "fixed", FixedOptions, lambda i, c, o: FixedSize(), lambda o: 32, False, "one size", "none", "none"
)


@pytest.fixture
def fixed_architecture(monkeypatch):
    registry = Registry("architecture", "retseg.models", {"fixed": f"{__name__}:FIXED"})
    monkeypatch.setattr(predictor_module, "MODELS", registry)


def linear_net(classes: int = 3) -> nn.Conv2d:
    torch.manual_seed(3)
    return nn.Conv2d(3, classes, kernel_size=1)


def applied_at_once(net: nn.Module, image: np.ndarray) -> np.ndarray:
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return net(planes)[0].softmax(0).numpy()


@pytest.mark.parametrize("arch", MODELS.names())
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (70, 200), (190, 35)])
def test_every_architecture_returns_the_native_size(arch, size, make_model, make_photograph):
    image, fov = make_photograph(*size)
    model = make_model(arch=arch, options={})
    result = Predictor(model, PredictConfig(window=64), CPU).probabilities(image, fov)
    assert result.shape == (3, *size)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.sum(axis=0), 1, atol=1e-5)


@given(
    height=st.integers(16, 150),
    width=st.integers(16, 150),
    window=st.integers(16, 80),
    overlap=st.floats(0, 0.9),
    blend=st.sampled_from(["gaussian", "constant"]),
    flips=st.sampled_from([1, 2, 4, 8]),
    batch=st.one_of(st.none(), st.integers(1, 5)),
    whole=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_linear_net_is_carried_over_exactly(height, width, window, overlap, blend, flips, batch, whole):
    net = linear_net()
    model = predictor_module.LoadedModel(net, _plain_card())
    config = PredictConfig(window=window, overlap=overlap, blend=blend, flips=flips, batch=batch, whole_image=whole)
    config = config.model_copy(update={"precision": "float32"})
    image = np.random.default_rng(height + 1000 * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    result = Predictor(model, config, CPU).probabilities(image, np.ones((height, width), bool))
    np.testing.assert_allclose(result, applied_at_once(net, image), atol=1e-5)


def _plain_card():
    from retseg.inference.card import Card

    return Card(arch="segnet", options={}, classes=VESSELS, input=AS_IT_IS, predict=PredictConfig())


def test_photographs_are_predicted_alike_alone_and_together(make_model, make_photograph):
    sizes = [(40, 40), (40, 40), (64, 48), (200, 150), (40, 40), (33, 90)]
    photographs = [(f"eye{n}", *make_photograph(*size)) for n, size in enumerate(sizes)]
    predictor = Predictor(make_model(), PredictConfig(window=64, batch=4, precision="float32", all_classes=True), CPU)
    together = list(predictor.probabilities_of_many(iter(photographs)))
    assert [p.id for p in together] == [p[0] for p in photographs]
    for prediction, (_, image, fov) in zip(together, photographs, strict=True):
        assert prediction.image is image
        assert prediction.fov is fov
        np.testing.assert_allclose(prediction.probabilities, predictor.probabilities(image, fov), atol=1e-5)


def test_small_photographs_share_a_pass_of_the_net(make_model, make_photograph):
    model = make_model()
    passes = []
    model.net.register_forward_hook(lambda module, inputs, output: passes.append(len(inputs[0])))
    image, fov = make_photograph(40, 40)
    photographs = [(str(number), image, fov) for number in range(6)]
    assert len(list(Predictor(model, PredictConfig(batch=4), CPU).probabilities_of_many(photographs))) == 6
    assert passes == [4, 2]


def test_photographs_are_asked_for_only_when_needed(make_model, make_photograph):
    taken = []

    def photographs():
        for number in range(5):
            taken.append(number)
            yield str(number), *make_photograph(200, 200)

    # Sixteen windows leave one over, which must not wait for the next photograph.
    predictor = Predictor(make_model(), PredictConfig(window=64, batch=3), CPU)
    next(predictor.probabilities_of_many(photographs()))
    assert taken == [0]


def test_all_eight_views_make_the_result_turn_with_the_photograph(make_model, make_photograph):
    image, fov = make_photograph(64, 64)
    model = make_model(input=AS_IT_IS)
    eight = Predictor(model, PredictConfig(flips=8, precision="float32"), CPU)
    turned = eight.probabilities(np.ascontiguousarray(np.rot90(image)), np.ascontiguousarray(np.rot90(fov)))
    np.testing.assert_allclose(turned, np.rot90(eight.probabilities(image, fov), axes=(1, 2)), atol=1e-5)
    four = Predictor(model, PredictConfig(flips=4, precision="float32"), CPU)
    mirrored = four.probabilities(np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(fov[:, ::-1]))
    np.testing.assert_allclose(mirrored, four.probabilities(image, fov)[..., ::-1], atol=1e-5)
    # One view alone has neither property: otherwise this test would show nothing.
    one = Predictor(model, PredictConfig(), CPU)
    assert (
        np.abs(
            one.probabilities(np.ascontiguousarray(image[:, ::-1]), fov)[..., ::-1] - one.probabilities(image, fov)
        ).max()
        > 1e-3
    )


def test_the_photograph_is_not_changed(make_model, make_photograph):
    class Meddler(nn.Module):
        def forward(self, windows):
            return windows.mul_(0.5)

    image, fov = make_photograph(50, 60)
    kept = image.copy()
    Predictor(make_model(Meddler(), input=AS_IT_IS), PredictConfig(flips=8, window=32), CPU).probabilities(image, fov)
    np.testing.assert_array_equal(image, kept)


def test_outside_the_crop_there_is_only_the_class_for_it(make_model, make_photograph):
    image, fov = make_photograph(100, 120)
    result = Predictor(make_model(), PredictConfig(), CPU).probabilities(image, fov)
    np.testing.assert_array_equal(result[:, 0, 0], [1, 0, 0])
    rows, columns = np.nonzero(fov)
    corner = result[:, rows.min(), columns.min()]
    assert not fov[rows.min(), columns.min()]
    assert (corner > 0).all(), "inside the crop, but outside the field of view, the net is heard"


def test_a_working_grid_of_another_size_comes_back_to_the_native_one(make_model, make_photograph):
    image, fov = make_photograph(300, 260)
    model = make_model(input=InputConfig(diameter=100))
    result = Predictor(model, PredictConfig(), CPU).probabilities(image, fov)
    assert result.shape == (3, 300, 260)
    np.testing.assert_allclose(result.sum(axis=0), 1, atol=1e-5)


def test_the_input_is_normalised_inside_the_field_of_view(make_model, make_photograph):
    image, fov = make_photograph(48, 64)
    net = linear_net()
    model = make_model(net, input=InputConfig(normalise="fov", crop=False))
    inside = image[fov] / 255
    standard = ((image / 255 - inside.mean(axis=0)) / inside.std(axis=0)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(standard).permute(2, 0, 1)[None])[0].softmax(0).numpy()
    result = Predictor(model, EXACT, CPU).probabilities(image, fov)
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_named_outputs_are_understood(make_model, make_photograph):
    class Named(nn.Module):
        def forward(self, windows):
            return {CLASS_MAP: windows, "distance": windows[:, :1]}

    image, fov = make_photograph(40, 40)
    result = Predictor(make_model(Named(), input=AS_IT_IS), PredictConfig(), CPU).probabilities(image, fov)
    np.testing.assert_allclose(result, applied_at_once(nn.Identity(), image), atol=1e-5)


def test_a_net_of_one_size_gets_it(fixed_architecture, make_model, make_photograph):
    model = make_model(FixedSize(), arch="fixed", options={}, input=AS_IT_IS)
    predictor = Predictor(model, PredictConfig(window=64), CPU)
    for size in [(32, 32), (64, 65), (40, 130)]:
        image, fov = make_photograph(*size)
        np.testing.assert_allclose(
            predictor.probabilities(image, fov), applied_at_once(nn.Identity(), image), atol=1e-5
        )


def test_whole_images_are_for_fully_convolutional_nets(fixed_architecture, make_model):
    model = make_model(FixedSize(), arch="fixed", options={})
    with pytest.raises(ConfigError, match=r"not fully convolutional.*whole_image=false"):
        Predictor(model, PredictConfig(whole_image=True), CPU)


def test_a_net_that_loses_pixels_is_named(make_model, make_photograph):
    with pytest.raises(ConfigError, match=r"returned \(1, 3, 20, 20\) instead of \(1, 3, 40, 40\)"):
        Predictor(make_model(nn.AvgPool2d(2), input=AS_IT_IS), PredictConfig(), CPU).probabilities(
            *make_photograph(40, 40)
        )


def test_a_diverged_net_is_an_error(make_model, make_photograph):
    net = linear_net()
    nn.init.constant_(net.bias, float("nan"))
    with pytest.raises(CheckpointError, match="not numbers"):
        Predictor(make_model(net), PredictConfig(), CPU).probabilities(*make_photograph(40, 40))


def test_a_field_of_view_of_another_size_is_an_error(make_model, make_photograph):
    image, _ = make_photograph(40, 40)
    with pytest.raises(ImageError, match="field of view"):
        Predictor(make_model(), PredictConfig(), CPU).probabilities(image, np.ones((40, 41), bool))


def test_the_positive_class_alone_is_what_all_classes_say_of_it(make_model, make_photograph):
    image, fov = make_photograph(90, 70)
    predictor = Predictor(make_model(input=InputConfig(diameter=50)), EXACT, CPU)
    (alone,) = predictor.probabilities_of_many([("a", image, fov)])
    assert alone.probabilities.shape == (1, 90, 70)
    np.testing.assert_array_equal(alone.positive(VESSELS), predictor.probabilities(image, fov)[VESSELS.positive])
    every = Predictor(make_model(input=InputConfig(diameter=50)), EXACT.model_copy(update={"all_classes": True}), CPU)
    (found,) = every.probabilities_of_many([("a", image, fov)])
    np.testing.assert_array_equal(found.probabilities, predictor.probabilities(image, fov))
    np.testing.assert_array_equal(found.positive(VESSELS), alone.positive(VESSELS))


@pytest.mark.parametrize(("asked", "dtype"), [("float32", torch.float32), ("bf16", torch.bfloat16)])
def test_the_precision_of_the_net_is_what_was_asked_for(asked, dtype, make_model, make_photograph):
    model, seen = make_model(), []
    model.net.register_forward_hook(lambda module, inputs, output: seen.append((inputs[0].dtype, output.dtype)))
    result = Predictor(model, PredictConfig(precision=asked), CPU).probabilities(*make_photograph(40, 40))
    assert seen == [(torch.float32, dtype)]
    assert result.dtype == np.float32
    # Probabilities of bfloat16 itself have 8 bits; softmax and all that follows are finer.
    assert len(np.unique(result)) > 300


@pytest.mark.parametrize("able", [True, False])
def test_bfloat16_is_chosen_where_the_device_computes_it(able, make_model, make_photograph, monkeypatch):
    monkeypatch.setattr(predictor_module, "computes_bfloat16", lambda device: able)
    model, seen = make_model(), []
    model.net.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    Predictor(model, PredictConfig(), CPU).probabilities(*make_photograph(40, 40))
    assert seen == [torch.bfloat16 if able else torch.float32]


def test_bfloat16_moves_probabilities_little(make_model, make_photograph):
    image, fov = make_photograph(100, 120)
    exact = Predictor(make_model(), EXACT, CPU).probabilities(image, fov)
    fast = Predictor(make_model(), PredictConfig(precision="bf16"), CPU).probabilities(image, fov)
    assert 0 < np.abs(exact - fast).max() < 0.02


def test_a_local_net_takes_the_whole_image_unless_a_window_is_given(make_model, make_photograph):
    model, shapes = make_model(), []
    model.net.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(inputs[0].shape[2:])))
    image, fov = make_photograph(700, 100)
    Predictor(model, PredictConfig(), CPU).probabilities(image, fov)
    assert len(shapes) == 1
    assert shapes[0][0] > 600
    shapes.clear()
    Predictor(model, PredictConfig(window=128), CPU).probabilities(image, fov)
    assert max(height for height, _ in shapes) <= 128


def test_uncertainty_takes_four_views_at_least(make_model, make_photograph):
    model, passes = make_model(), []
    model.net.register_forward_hook(lambda module, inputs, output: passes.append(1))
    for flips, expected in ((1, 4), (8, 8)):
        passes.clear()
        Predictor(model, PredictConfig(flips=flips, uncertainty=True), CPU).probabilities(*make_photograph(40, 40))
        assert len(passes) == expected


def test_larger_photographs_are_given_more_views_where_nobody_says_how_many(make_model, make_photograph, monkeypatch):
    from retseg.inference import predictor

    monkeypatch.setattr(predictor, "_VIEWS", ((64 * 64, 4), (60 * 60, 2), (0, 1)))
    sides = [(60, 56), (64, 64), (60, 60), (60, 56)]
    photographs = [(str(number), *make_photograph(*side)) for number, side in enumerate(sides)]
    model = make_model(input=AS_IT_IS)
    auto, *fixed = (
        {found.id: found.probabilities for found in Predictor(model, config, CPU).probabilities_of_many(photographs)}
        for config in (PredictConfig(flips=flips, window=32, batch=64) for flips in ("auto", 1, 2, 4))
    )
    for number, views in enumerate((1, 4, 2, 1)):
        same = [np.array_equal(auto[str(number)], one[str(number)]) for one in fixed]
        assert same == [views == 1, views == 2, views == 4]


def test_two_views_are_a_photograph_and_its_mirror_image(make_model, make_photograph):
    image, fov = make_photograph(64, 64)
    two = Predictor(make_model(input=AS_IT_IS), PredictConfig(flips=2, precision="float32"), CPU)
    mirrored = two.probabilities(np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(fov[:, ::-1]))
    np.testing.assert_allclose(mirrored, two.probabilities(image, fov)[..., ::-1], atol=1e-5)


MEMORY = """
import resource, numpy as np, torch
from retseg.datasets.base import VESSELS
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.checkpoint import LoadedModel
from retseg.inference.config import PredictConfig
from retseg.inference.predictor import Predictor
from retseg.models.build import build
from retseg.models.config import ModelConfig
card = Card("unet", {}, VESSELS, InputConfig(), PredictConfig())
predictor = Predictor(LoadedModel(build(ModelConfig(arch="unet"), 3, 3), card), PredictConfig(), torch.device("cpu"))
image = np.random.default_rng(0).integers(0, 256, (2336, 3504, 3), dtype=np.uint8)
assert predictor.probabilities(image, np.ones((2336, 3504), bool)).shape == (3, 2336, 3504)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in KiB on Linux only")
def test_a_photograph_of_eight_million_pixels_needs_little_memory():
    run = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 2.5, "GiB resident at most"


def ring_net() -> nn.Conv2d:
    """Says "vessel" where the photograph is bright, and "retina" elsewhere."""
    net = nn.Conv2d(3, 3, kernel_size=1)
    with torch.no_grad():
        net.weight.zero_()
        net.weight[1] = 20.0
        net.bias.copy_(torch.tensor([-20.0, 0.0, 30.0]))
    return net


def ring(width: float) -> tuple[np.ndarray, np.ndarray]:
    """A bright ring, so wide, on a field of view 200 pixels across."""
    rows, columns = np.ogrid[-110:110, -110:110]
    distance = np.hypot(rows + 0.5, columns + 0.5)
    bright = np.abs(distance - 60) < width / 2
    return np.repeat((bright * np.uint8(255))[..., None], 3, axis=2), distance < 100


@pytest.mark.parametrize(("width", "expected"), [(8, 200), (16, 100), (4, 400), (1.5, 400), (60, 100)])
def test_photographs_are_scaled_until_their_vessels_are_as_wide_as_in_training(make_model, width, expected):
    looks = InputConfig(normalise="unit", diameter=200, cameras={"near": 100, "far": 400})
    predictor = Predictor(make_model(net=ring_net(), input=looks, calibre=8.0), EXACT, CPU)
    image, fov = ring(width)
    assert 200 * predictor._enlargement(predictor.width_seen(image, fov)) == pytest.approx(expected, rel=0.06)
    found = predictor.probabilities(image, fov)[1]
    assert ((found > 0.5) == (image[..., 0] > 0)).mean() > 0.97, "and come back to their own pixels"


@pytest.mark.parametrize(("seen", "expected"), [(15.0, 100), (13.5, 1600 / 13.5), (4.5, 400), (4.7, 1600 / 4.7)])
def test_what_is_nearly_a_size_of_the_training_is_that_size(make_model, seen, expected):
    looks = InputConfig(normalise="unit", diameter=200, cameras={"near": 100, "far": 400})
    predictor = Predictor(make_model(net=ring_net(), input=looks, calibre=8.0), EXACT, CPU)
    assert 200 * predictor._enlargement(seen) == pytest.approx(expected)


def test_without_any_vessel_the_first_look_decides_nothing(make_model):
    looks = InputConfig(normalise="unit", diameter=200, cameras={"near": 100, "far": 400})
    predictor = Predictor(make_model(net=ring_net(), input=looks, calibre=8.0), EXACT, CPU)
    image, fov = ring(0)
    assert predictor.width_seen(image, fov) is None
    assert 200 * predictor._enlargement(None) == 250


def test_the_first_look_takes_in_the_middle_alone(make_model):
    looks = InputConfig(normalise="unit", diameter=200, cameras={"near": 100, "far": 400})
    model, seen = make_model(net=ring_net(), input=looks, calibre=8.0), []
    model.net.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape[2:]))
    predictor = Predictor(model, EXACT, CPU)
    image, fov = ring(6)
    whole = predictor.width_seen(image, fov)
    (shape,) = seen
    assert 0.4 < shape[0] * shape[1] / 200**2 < 0.6
    # A broad band outside the middle has no say.
    spoilt = image.copy()
    edge = round(0.15 * len(image))
    spoilt[:edge], spoilt[-edge:] = 255, 255
    assert predictor.width_seen(spoilt, fov) == whole
