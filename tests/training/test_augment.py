import numpy as np
import pytest

from retseg.training import augment
from retseg.training.config import AugmentConfig
from retseg.training.randomness import Purpose, generator


def test_each_transform_comes_with_its_probability():
    names = [name for name in AugmentConfig.model_fields if name != "flips"]
    rates = {name: 0.06 * (i + 1) for i, name in enumerate(names)}
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
        "stretch": found.stretch != 1,
        "illumination": found.illumination.any((1, 2)),
        "mixing": (found.mixing != np.eye(3)).any((1, 2)),
        "sharpen": found.sharpen > 0,
        "resolution": found.resolution != 1,
        "jpeg": found.jpeg > 0,
        "renormalise": found.renormalise,
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
            "stretch": {"probability": 1, "amount": 0.25},
            "mixing": {"probability": 1, "amount": 0.2},
            "sharpen": {"probability": 1, "amount": 0.7, "sigma": 2.0},
            "resolution": {"probability": 1, "factor": 2.5},
            "jpeg": {"probability": 1, "low": 20, "high": 90},
        }
    )
    found = augment.draw(config, 5000, generator(1, Purpose.AUGMENTATION))
    for values, low, high in (
        (np.rad2deg(found.angle), -30, 30),
        (found.scale, 0.5, 2.0),
        (found.gamma, 0.8, 1.25),
        (found.colour, 0.9, 1.1),
        (found.stretch, 0.8, 1.25),
        (found.mixing - np.eye(3), -0.2, 0.2),
        (found.sharpen, 0.0, 0.7),
        (found.sharpen_sigma, 0.0, 2.0),
        (found.resolution, 1.0, 2.5),
        (found.jpeg, 20, 90),
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


def test_later_transforms_leave_alone_what_a_seed_gave_before_them():
    """The numbers are those that earlier versions drew: a default training repeats theirs."""
    new = ("stretch", "illumination", "mixing", "sharpen", "resolution", "jpeg", "renormalise")
    everything = AugmentConfig.model_validate({name: {"probability": 1} for name in new})
    for config in (AugmentConfig(), everything):
        found = augment.draw(config, 2, generator(5, Purpose.AUGMENTATION, 1, 2))
        rng = generator(5, Purpose.AUGMENTATION, 1, 2)
        chance, value, flip, gains = rng.random((8, 2)), rng.random((8, 2)), rng.random((2, 3)), rng.random((2, 3))
        assert np.array_equal(found.flips, flip < 0.5)
        assert np.array_equal(found.angle, np.where(chance[0] < 0.3, np.deg2rad(45) * (2 * value[0] - 1), 0.0))
        assert np.array_equal(found.colour, np.where((chance[5] < 0.3)[:, None], 1 + 0.1 * (2 * gains - 1), 1.0))


def test_uneven_light_has_the_deviation_asked_for():
    config = AugmentConfig.model_validate({"illumination": {"probability": 1, "amount": 0.3}})
    heights = augment.draw(config, 20000, generator(1, Purpose.AUGMENTATION)).illumination
    # The deviation itself is drawn evenly from 0 to the amount.
    assert heights.std() == pytest.approx(0.3 / 3**0.5, rel=0.02)
    assert heights.mean() == pytest.approx(0.0, abs=0.005)
