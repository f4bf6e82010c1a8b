import numpy as np
import pytest
import torch

from retseg.training import augment
from retseg.training.config import AugmentConfig
from retseg.training.randomness import Purpose, generator


def drawn(patches=1, **changes):
    config = AugmentConfig.model_validate(
        {
            "flips": {"horizontal": 0, "vertical": 0, "diagonal": 0},
            **{
                name: {"probability": 0}
                for name in ("rotation", "scale", "brightness", "contrast", "gamma", "colour", "blur", "noise")
            },
        }
    )
    neutral = augment.draw(config, patches, generator(0, Purpose.AUGMENTATION))
    values = {name: getattr(neutral, name) for name in augment.Augmentation.__dataclass_fields__}
    values |= {name: np.asarray(value) for name, value in changes.items()}
    return augment.Augmentation(**values)


def square(side, point):
    """A picture that is dark but for one bright pixel, and a label that marks it."""
    picture, label = torch.zeros(1, 3, side, side), torch.zeros(1, 1, side, side, dtype=torch.uint8)
    picture[0, :, point[0], point[1]] = 1.0
    label[0, 0, point[0], point[1]] = 7
    return picture, label


def test_each_transform_comes_with_its_probability():
    names = ("rotation", "scale", "brightness", "contrast", "gamma", "colour", "blur", "noise")
    rates = {name: 0.1 * (i + 1) for i, name in enumerate(names)}
    config = AugmentConfig.model_validate(
        {
            "flips": {"horizontal": 0.2, "vertical": 0.4, "diagonal": 0.6},
            **{name: {"probability": rate} for name, rate in rates.items()},
        }
    )
    found = augment.draw(config, 20000, generator(1, Purpose.AUGMENTATION))
    changed = {
        "rotation": found.angle != 0,
        "scale": found.scale != 1,
        "brightness": found.brightness != 0,
        "contrast": found.contrast != 1,
        "gamma": found.gamma != 1,
        "colour": (found.colour != 1).any(1),
        "blur": found.blur > 0,
        "noise": found.noise > 0,
    }
    assert {name: value.mean() for name, value in changed.items()} == pytest.approx(rates, abs=0.02)
    assert found.flips.mean(0) == pytest.approx([0.2, 0.4, 0.6], abs=0.02)


def test_ranges_are_kept_and_used():
    config = AugmentConfig.model_validate(
        {
            "rotation": {"probability": 1, "degrees": 30},
            "scale": {"probability": 1, "low": 0.5, "high": 2},
            "gamma": {"probability": 1, "low": 0.8, "high": 1.25},
            "colour": {"probability": 1, "amount": 0.1},
        }
    )
    found = augment.draw(config, 5000, generator(1, Purpose.AUGMENTATION))
    for values, low, high in (
        (np.rad2deg(found.angle), -30, 30),
        (found.scale, 0.5, 2.0),
        (found.gamma, 0.8, 1.25),
        (found.colour, 0.9, 1.1),
    ):
        assert low <= values.min() < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < values.max() <= high
    assert np.median(found.scale) == pytest.approx(1.0, abs=0.05)


def test_switching_one_transform_off_leaves_the_others_alone():
    some = augment.draw(AugmentConfig(), 50, generator(1, Purpose.AUGMENTATION, 3))
    other = AugmentConfig.model_validate({"rotation": {"probability": 0}})
    fewer = augment.draw(other, 50, generator(1, Purpose.AUGMENTATION, 3))
    assert np.array_equal(some.scale, fewer.scale)
    assert np.array_equal(some.colour, fewer.colour)
    assert np.array_equal(some.flips, fewer.flips)
    assert not fewer.angle.any()


@pytest.mark.parametrize(
    ("chosen", "there"),
    [((True, False, False), (2, 13)), ((False, True, False), (13, 2)), ((False, False, True), (2, 2))],
)
def test_flips_are_exact(chosen, there):
    picture, label = square(16, (2, 2))
    picture, label = augment.flip(picture, label, drawn(flips=[chosen]))
    assert (picture == 1).nonzero()[:, 2:].unique(dim=0).tolist() == [list(there)]
    assert (label == 7).nonzero()[:, 2:].tolist() == [list(there)]


def test_only_chosen_patches_are_flipped():
    pictures = torch.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4).float()
    maps = torch.arange(64).reshape(2, 2, 4, 4).to(torch.uint8)
    before = pictures.clone(), maps.clone()
    augment.flip(pictures, maps, drawn(2, flips=[[False] * 3, [True, True, True]]))
    assert torch.equal(pictures[0], before[0][0])
    assert torch.equal(maps[1], before[1][1].flip(1, 2).transpose(1, 2))
    assert torch.equal(pictures[1], before[0][1].flip(1, 2).transpose(1, 2))


def test_no_turn_and_no_scale_is_the_middle_itself():
    picture, label = torch.rand(2, 3, 40, 40), torch.randint(0, 3, (2, 1, 40, 40), dtype=torch.uint8)
    turned, labels = augment.resample(picture, label, drawn(2), 32)
    assert torch.allclose(turned, picture[:, :, 4:36, 4:36], atol=1e-5)
    assert torch.equal(labels, label[:, :, 4:36, 4:36])


def test_a_quarter_turn_is_exact():
    picture, label = torch.rand(1, 3, 20, 20), torch.randint(0, 3, (1, 1, 20, 20), dtype=torch.uint8)
    turned, labels = augment.resample(picture, label, drawn(angle=[np.pi / 2]), 16)
    middle, truth = picture[:, :, 2:18, 2:18], label[:, :, 2:18, 2:18]
    quarter = next(k for k in (1, 3) if torch.equal(torch.rot90(truth, k, (2, 3)), labels))
    assert torch.allclose(turned, torch.rot90(middle, quarter, (2, 3)), atol=1e-4)


@pytest.mark.parametrize("angle", [0.3, -1.2, 2.5])
@pytest.mark.parametrize("scale", [0.7, 1.0, 1.6])
def test_a_vessel_pixel_stays_on_its_vessel(angle, scale):
    """Where the label says vessel, the picture is bright, and nowhere else, however the patch is turned."""
    y, x = np.mgrid[:120, :120]
    truth = (np.abs(y - 0.4 * x - 30) < 4) | (np.abs(x - 70) < 4)
    label = torch.from_numpy(truth.astype(np.uint8))[None, None]
    picture = label.float().repeat(1, 3, 1, 1)
    turned, labels = augment.resample(picture, label, drawn(angle=[angle], scale=[scale]), 64)
    agree = (turned[0, 0] > 0.5) == (labels[0, 0] == 1)
    assert agree.float().mean() > 0.99
    # Half a pixel of the source is the most that nearest and bilinear sampling may differ by.
    assert (turned[0, 0][labels[0, 0] == 1] > 0.2).all()
    assert 0.05 < labels.float().mean() < 0.5


def test_enlarging_enlarges():
    label = torch.zeros(1, 1, 60, 60, dtype=torch.uint8)
    label[..., 20:40, 20:40] = 1
    _, twice = augment.resample(label.float().repeat(1, 3, 1, 1), label, drawn(scale=[2.0]), 60)
    assert int(twice.sum()) == pytest.approx(1600, rel=0.06)


@pytest.mark.parametrize("angle", [0.1, 0.8, 2.0])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_margin_is_enough(angle, scale):
    """With labels of 255 in the outermost ring only, nothing of that ring may be seen."""
    some = drawn(angle=[angle], scale=[scale])
    side = 48 + 2 * augment.margin(some, 48)
    label = torch.full((1, 1, side, side), 255, dtype=torch.uint8)
    label[..., 1:-1, 1:-1] = 3
    _, seen = augment.resample(torch.zeros(1, 3, side, side), label, some, 48)
    assert seen.unique().tolist() == [3]


def test_light_is_changed_as_defined():
    picture = torch.rand(4, 3, 8, 8) * 0.5 + 0.2
    before = picture.clone()
    some = drawn(
        4,
        gamma=[2.0, 1.0, 1.0, 1.0],
        brightness=[0.0, 0.1, 0.0, 0.0],
        contrast=[1.0, 1.2, 1.0, 1.0],
        colour=[[1, 1, 1], [1, 1, 1], [1.1, 1, 0.9], [1, 1, 1]],
    )
    after = augment.relight(picture, some, 0)
    assert torch.allclose(after[0], before[0] ** 2)
    mean = before[1].mean((1, 2), keepdim=True)
    assert torch.allclose(after[1], (before[1] - mean) * 1.2 + mean + 0.1, atol=1e-6)
    assert torch.allclose(after[2], before[2] * torch.tensor([1.1, 1.0, 0.9])[:, None, None], atol=1e-6)
    assert torch.equal(after[3], before[3])


def test_light_stays_in_range():
    picture = torch.rand(8, 3, 16, 16)
    every = {name: {"probability": 1} for name in ("brightness", "contrast", "gamma", "colour", "blur", "noise")}
    every["brightness"]["amount"] = 1.0
    some = augment.draw(AugmentConfig.model_validate(every), 8, generator(0, Purpose.AUGMENTATION))
    after = augment.relight(picture, some, 0)
    assert after.min() >= 0
    assert after.max() <= 1


def test_blur_spreads_and_keeps_the_sum():
    picture, _ = square(33, (16, 16))
    after = augment.relight(picture.clone(), drawn(blur=[1.5]), 0)
    assert after.sum().item() == pytest.approx(3.0, rel=1e-4)
    assert after[0, 0, 16, 16].item() == pytest.approx(1 / (2 * np.pi * 1.5**2), rel=0.02)
    assert torch.allclose(after, after.flip(2), atol=1e-6)


def test_noise_has_the_deviation_asked_for_and_follows_its_seed():
    picture = torch.full((2, 3, 64, 64), 0.5)
    some = drawn(2, noise=[0.05, 0.0])
    first, again, other = (augment.relight(picture.clone(), some, seed) for seed in (1, 1, 2))
    assert first[0].std().item() == pytest.approx(0.05, rel=0.03)
    assert torch.equal(first[1], picture[1])
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
