import numpy as np
import pytest
import torch

from retseg.imaging.config import InputConfig
from retseg.training.augment import draw
from retseg.training.batches import Batches
from retseg.training.config import AugmentConfig
from retseg.training.images import TrainingImages
from retseg.training.randomness import Purpose, generator
from retseg.training.sampling import Patches


def patches(count=6):
    rng = np.random.default_rng(0)
    return Patches(rng.integers(0, 5, count), rng.integers(0, 40, count), rng.integers(0, 40, count))


def test_without_augmentation_a_batch_is_the_pixels_themselves(images, nothing):
    some = patches()
    pictures, labels = Batches(images, nothing, 32, seed=0).batch(some, 1, 0)
    for slot, (index, top, left) in enumerate(zip(some.image, some.top, some.left, strict=True)):
        source = images.images[index][top : top + 32, left : left + 32].permute(2, 0, 1)
        assert torch.equal(pictures[slot], source / 255)
        assert torch.equal(labels[slot, 0], images.labels[index][top : top + 32, left : left + 32])
    assert pictures.is_contiguous(memory_format=torch.channels_last)


def test_the_net_sees_what_it_will_see_in_prediction(vessels, nothing):
    loaded = TrainingImages.load(vessels, vessels.split("train"), InputConfig(), torch.device("cpu"))
    pictures, labels = Batches(loaded, nothing, 32, seed=0).plain(
        Patches(np.array([1]), np.array([0]), np.array([0])), 68
    )
    inside = (labels[0, 0] == 1) | (labels[0, 0] == 2)
    assert torch.allclose(pictures[0][:, inside].mean(1), torch.zeros(3), atol=0.1)
    assert torch.allclose(pictures[0][:, inside].std(1), torch.ones(3), atol=0.1)


def test_a_batch_follows_from_seed_epoch_and_step(images):
    config = AugmentConfig.model_validate({"noise": {"probability": 1}})
    source, some = Batches(images, config, 32, seed=1), patches()
    first = source.batch(some, 2, 3)
    source.batch(some, 5, 5)
    again = Batches(images, config, 32, seed=1).batch(some, 2, 3)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    for other in (source.batch(some, 2, 4), source.batch(some, 3, 3), Batches(images, config, 32, 2).batch(some, 2, 3)):
        assert not torch.equal(first[0], other[0])


def test_turned_and_plain_patches_keep_their_places(images, nothing):
    """In a batch of which some are turned, the others are exactly as they were, each in its own slot."""
    config = AugmentConfig.model_validate({**nothing.model_dump(), "rotation": {"probability": 0.5, "degrees": 90}})
    some = patches(24)
    plain, plain_labels = Batches(images, nothing, 32, seed=0).batch(some, 1, 0)
    mixed, mixed_labels = Batches(images, config, 32, seed=0).batch(some, 1, 0)
    same = torch.tensor([torch.equal(a, b) for a, b in zip(plain, mixed, strict=True)])
    assert 4 < int(same.sum()) < 20
    assert torch.equal(plain_labels[same], mixed_labels[same])
    # A patch and its turned self share the centre.
    centre = (slice(None), slice(None), slice(14, 18), slice(14, 18))
    assert torch.allclose(plain[centre].mean((2, 3)), mixed[centre].mean((2, 3)), atol=0.15)


def test_vessels_are_dark_under_every_augmentation(images):
    """The label still marks the darker pixels after everything that can be done to a patch."""
    config = AugmentConfig.model_validate(
        {
            "rotation": {"probability": 1, "degrees": 180},
            "scale": {"probability": 1},
            "gamma": {"probability": 1},
            "colour": {"probability": 1},
        }
    )
    rng = np.random.default_rng(1)
    some = Patches(rng.integers(0, 5, 64), rng.integers(0, 30, 64), rng.integers(0, 30, 64))
    pictures, labels = Batches(images, config, 40, seed=0).batch(some, 1, 0)
    green, labels = pictures[:, 1], labels[:, 0]
    assert green[labels == 1].mean() < 0.6 * green[labels == 2].mean()
    darker = (green[labels == 1] < 0.33).float().mean()
    lighter = (green[labels == 2] > 0.3).float().mean()
    assert darker > 0.9
    assert lighter > 0.95


STRONG = {
    "rotation": {"probability": 0.8, "degrees": 180},
    "scale": {"probability": 0.8, "low": 0.6, "high": 1.5},
    **{name: {"probability": 0.5} for name in ("stretch", "illumination", "mixing", "sharpen", "resolution", "jpeg")},
    **{name: {"probability": 0.5} for name in ("blur", "noise", "renormalise")},
}


@pytest.mark.parametrize("size", [32, 33])
def test_everything_at_once_follows_from_seed_epoch_and_step(vessels, size):
    """Also with patches that reach beyond their photographs on all sides."""
    loaded = TrainingImages.load(vessels, vessels.split("train"), InputConfig(), torch.device("cpu"))
    some, config = patches(16), AugmentConfig.model_validate(STRONG)
    first, again, other = (Batches(loaded, config, size, seed=1).batch(some, 2, step) for step in (3, 3, 4))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[0], other[0])
    assert first[0].isfinite().all()
    assert first[0].is_contiguous(memory_format=torch.channels_last)
    assert first[0].shape == (16, 3, size, size)
    assert set(first[1].unique().tolist()) <= {0, 1, 2, 255}


def test_a_patch_does_not_depend_on_the_others_of_its_batch(images, nothing):
    """Each is cut only as far as it reaches itself; how far the widest of the batch reaches changes no more than the
    rounding of its coordinates."""
    config = AugmentConfig.model_validate({**nothing.model_dump(), "scale": {"probability": 1, "low": 0.5, "high": 2}})
    source, some = Batches(images, config, 32, seed=0), patches(8)
    whole, _ = source.batch(some, 1, 0)
    found = draw(config, 8, generator(0, Purpose.AUGMENTATION, 1, 0))
    for slot in range(8):
        alone, _ = source._sampled(some[slice(slot, slot + 1)], found.part(np.array([slot])))
        assert torch.allclose(alone[0], whole[slot], atol=1e-4)


def test_renormalised_patches_lie_about_zero_however_they_were_lit(vessels, nothing):
    """What is told apart is how the input looks when the light changed and its statistics did not follow."""
    loaded = TrainingImages.load(vessels, vessels.split("train"), InputConfig(), torch.device("cpu"))
    some = Patches(np.arange(4), np.zeros(4, int), np.zeros(4, int))

    def mean_of(probability):
        light = {"gamma": {"probability": 1, "low": 2.0, "high": 2.0}, "renormalise": {"probability": probability}}
        config = AugmentConfig.model_validate({**nothing.model_dump(), **light})
        pictures, labels = Batches(loaded, config, 64, seed=0).batch(some, 1, 0)
        inside = (labels[:, 0] == 1) | (labels[:, 0] == 2)
        return pictures.permute(1, 0, 2, 3)[:, inside].mean(1)

    assert mean_of(1.0).abs().max() < 0.1
    assert mean_of(0.0).max() < -0.5
