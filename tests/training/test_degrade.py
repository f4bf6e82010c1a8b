import numpy as np
import pytest
import torch

from retseg.training import augment
from retseg.training.config import AugmentConfig
from retseg.training.degrade import blurred, degrade
from retseg.training.randomness import Purpose, generator
from retseg.training.relight import relight


def square(side, point):
    """A picture that is dark but for one bright pixel."""
    picture = torch.zeros(1, 3, side, side)
    picture[0, :, point[0], point[1]] = 1.0
    return picture


def textured(patches, side=64):
    """Smooth shapes with fine texture, as a photograph has."""
    noise = torch.rand(patches, 3, side, side, generator=torch.Generator().manual_seed(0))
    return (0.5 + 2 * (blurred(noise, np.full(patches, 3.0)) - 0.5) + 0.1 * (noise - 0.5)).clamp(0, 1)


def detail(picture):
    """How much neighbours differ."""
    return float((picture[..., 1:] - picture[..., :-1]).abs().mean())


def test_everything_together_stays_in_range():
    names = set(AugmentConfig.model_fields) - {"flips", "renormalise"}
    every = {name: {"probability": 1} for name in names}
    every["brightness"]["amount"] = 1.0
    some = augment.draw(AugmentConfig.model_validate(every), 8, generator(0, Purpose.AUGMENTATION))
    after = degrade(relight(torch.rand(8, 3, 16, 16), some), some, 0)
    assert after.min() >= 0
    assert after.max() <= 1


def test_blur_spreads_and_keeps_the_sum(drawn):
    picture = square(33, (16, 16))
    after = degrade(picture.clone(), drawn(blur=[1.5]), 0)
    assert after.sum().item() == pytest.approx(3.0, rel=1e-4)
    assert after[0, 0, 16, 16].item() == pytest.approx(1 / (2 * np.pi * 1.5**2), rel=0.02)
    assert torch.allclose(after, after.flip(2), atol=1e-6)


def test_noise_has_the_deviation_asked_for_and_follows_its_seed(drawn):
    picture = torch.full((2, 3, 64, 64), 0.5)
    some = drawn(2, noise=[0.05, 0.0])
    first, again, other = (degrade(picture.clone(), some, seed) for seed in (1, 1, 2))
    assert first[0].std().item() == pytest.approx(0.05, rel=0.03)
    assert torch.equal(first[1], picture[1])
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_each_patch_is_blurred_by_its_own_deviation():
    picture = square(33, (16, 16)).repeat(3, 1, 1, 1)
    together = blurred(picture, np.array([0.7, 1.5, 2.5]))
    for slot, sigma in enumerate((0.7, 1.5, 2.5)):
        assert torch.allclose(together[slot], blurred(picture[:1], np.array([sigma]))[0], atol=2e-3)
        assert together[slot, 1].sum().item() == pytest.approx(1.0, rel=1e-4)


def test_sharpening_adds_what_a_blur_takes_away(drawn):
    picture = textured(2)
    after = degrade(picture.clone(), drawn(2, sharpen=[0.0, 0.8], sharpen_sigma=[1.0, 1.5]), 0)
    assert torch.equal(after[0], picture[0])
    wanted = picture[1:] + 0.8 * (picture[1:] - blurred(picture[1:], np.array([1.5])))
    assert torch.allclose(after[1:], wanted.clamp(0, 1), atol=1e-5)
    assert detail(after[1]) > 1.3 * detail(picture[1])


def test_lost_resolution_loses_detail_and_nothing_else(drawn):
    picture = textured(3)
    after = degrade(picture.clone(), drawn(3, resolution=[1.0, 1.5, 3.0]), 0)
    assert torch.equal(after[0], picture[0])
    lost = [1 - detail(after[slot]) / detail(picture[slot]) for slot in (1, 2)]
    assert 0.1 < lost[0] < lost[1]
    assert torch.allclose(after.mean((2, 3)), picture.mean((2, 3)), atol=0.005)
    ramp = torch.linspace(0.2, 0.8, 60).expand(1, 3, 60, 60).clone()
    # Where there is no detail, nothing is lost, and nothing moves.
    assert torch.allclose(degrade(ramp.clone(), drawn(resolution=[2.0]), 0)[..., 5:-5], ramp[..., 5:-5], atol=1e-3)


def test_jpeg_loses_more_the_lower_its_quality_is(drawn):
    picture = textured(4)
    after = degrade(picture.clone(), drawn(4, jpeg=[0, 95, 50, 10]), 0)
    assert torch.equal(after[0], picture[0])
    lost = [float((after[slot] - picture[slot]).square().mean()) ** 0.5 for slot in (1, 2, 3)]
    assert 0.002 < lost[0] < lost[1] < lost[2] < 0.1
    # 8 x 8 blocks are coded apart: at low quality neighbours differ more across blocks than within them.
    step = (after[3, :, :, 1:] - after[3, :, :, :-1]).abs().mean((0, 1))
    assert step[7::8].mean() > 1.5 * step[3::8].mean()


def test_jpeg_keeps_colours_and_places(drawn):
    picture = torch.zeros(1, 3, 32, 32)
    picture[:, 0, :, :16], picture[:, 2, 16:, :] = 0.8, 0.6
    after = degrade(picture.clone(), drawn(jpeg=[90]), 0)
    for rows, columns in ((slice(2, 14), slice(2, 14)), (slice(2, 14), slice(18, 30)), (slice(18, 30), slice(2, 14))):
        assert torch.allclose(after[..., rows, columns], picture[..., rows, columns], atol=0.05)


def test_jpeg_stores_colour_at_half_the_resolution(drawn):
    """As cameras do: columns that differ in colour alone run into each other even at the best quality."""
    picture = torch.full((1, 3, 32, 32), 0.5)
    picture[:, 0, :, ::2] += 0.2
    picture[:, 1, :, ::2] -= 0.2 * 0.299 / 0.587
    after = degrade(picture.clone(), drawn(jpeg=[100]), 0)
    assert float(after[0, 0, 8:24, 8:24].std()) < 0.3 * float(picture[0, 0, 8:24, 8:24].std())
