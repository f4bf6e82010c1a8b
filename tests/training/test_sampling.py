import numpy as np
import pytest
import torch

from retseg.imaging.config import InputConfig
from retseg.training.config import SamplingConfig
from retseg.training.images import TrainingImages
from retseg.training.sampling import Patches, PatchSampler, cut, fixed_patches


def places(patches):
    return sorted(zip(patches.image.tolist(), patches.top.tolist(), patches.left.tolist(), strict=True))


def inside(patches, sizes, side):
    low = (patches.top >= 0) & (patches.left >= 0)
    return low & (patches.top + side <= sizes[patches.image, 0]) & (patches.left + side <= sizes[patches.image, 1])


def test_the_lecture_takes_thirty_patches_of_each_of_twenty_images():
    sizes = np.full((20, 2), (584, 565))
    patches = fixed_patches(sizes, [str(i) for i in range(20)], 224, 30, seed=0)
    assert len(patches) == 600
    assert np.bincount(patches.image).tolist() == [30] * 20
    assert inside(patches, sizes, 224).all()
    assert len(set(places(patches))) == 600


def test_fixed_positions_are_uniform_up_to_the_last_row():
    patches = fixed_patches(np.array([[12, 30]]), ["a"], 10, 3000, seed=1)
    shares = np.bincount(patches.top) / 3000
    assert len(shares) == 3
    assert shares == pytest.approx([1 / 3] * 3, abs=0.03)
    assert patches.left.max() == 20


def test_fixed_positions_follow_from_seed_and_id_alone():
    sizes = np.array([[72, 80], [80, 72]])
    both = fixed_patches(sizes, ["a", "b"], 32, 30, seed=4)
    alone = fixed_patches(sizes[1:], ["b"], 32, 30, seed=4)
    assert np.array_equal(both.top[30:], alone.top)
    assert np.array_equal(both.left[30:], alone.left)
    assert not np.array_equal(both.top[30:], fixed_patches(sizes[1:], ["b"], 32, 30, seed=5).top)


def test_an_epoch_of_fixed_patches_is_the_same_patches_in_another_order(images):
    sampler = PatchSampler(images, SamplingConfig(patch_size=32, patches_per_image=30, fixed=True, balance=0.0), seed=7)
    first, second = sampler.epoch(1), sampler.epoch(2)
    assert len(first) == 150
    assert places(first) == places(second) == places(fixed_patches(images.sizes, images.ids, 32, 30, seed=7))
    assert first.image.tolist() != second.image.tolist()


def test_fresh_patches_change_with_the_epoch_and_repeat_with_the_seed(images):
    config = SamplingConfig(patch_size=32, patches_per_image=30)
    sampler, again = PatchSampler(images, config, seed=7), PatchSampler(images, config, seed=7)
    again.epoch(1)
    assert places(sampler.epoch(2)) == places(again.epoch(2))
    assert places(sampler.epoch(1)) != places(sampler.epoch(2))
    assert places(sampler.epoch(1)) != places(PatchSampler(images, config, seed=8).epoch(1))
    assert inside(sampler.epoch(1), images.sizes, 32).all()


def test_every_image_gets_its_share(images):
    sampler = PatchSampler(images, SamplingConfig(patch_size=32), seed=0, per_epoch=52)
    counts = np.bincount(sampler.epoch(1).image, minlength=5)
    assert counts.min() == 10
    assert counts.max() == 11


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_balance_is_the_share_of_patches_centred_on_a_vessel(images, balance):
    sampler = PatchSampler(images, SamplingConfig(patch_size=16, balance=balance), seed=0, per_epoch=4000)
    patches = sampler.epoch(1)
    _, maps = cut(images, patches, 16)
    on_vessel = (maps[:, 0, 8, 8] == images.classes.positive).float().mean().item()
    plain = PatchSampler(images, SamplingConfig(patch_size=16, balance=0.0), seed=1, per_epoch=4000).epoch(1)
    by_chance = (cut(images, plain, 16)[1][:, 0, 8, 8] == images.classes.positive).float().mean().item()
    assert on_vessel == pytest.approx(balance + (1 - balance) * by_chance, abs=0.03)


def test_without_a_positive_class_a_class_that_occurs_is_drawn(scenes):
    loaded = TrainingImages.load(scenes, scenes.split("train"), InputConfig(crop=False), torch.device("cpu"))
    sampler = PatchSampler(loaded, SamplingConfig(patch_size=8, balance=1.0), seed=0, per_epoch=3000)
    _, maps = cut(loaded, sampler.epoch(1), 8)
    shares = np.bincount(maps[:, 0, 4, 4].numpy(), minlength=4) / 3000
    # The bands at the border cannot all be centred, so their shares are a little off.
    assert shares[:3] == pytest.approx([1 / 3] * 3, abs=0.08)
    assert shares[3] == 0


def test_an_image_without_the_positive_class_is_sampled_anywhere(make_set, make_case):
    case = make_case("a", "p1", "train")
    case.targets["classes"][case.targets["classes"] == 1] = 2
    prepared = make_set([case])
    loaded = TrainingImages.load(prepared, prepared.samples, InputConfig(crop=False), torch.device("cpu"))
    patches = PatchSampler(loaded, SamplingConfig(patch_size=16, balance=1.0), seed=0, per_epoch=200).epoch(1)
    assert len(set(places(patches))) > 150


def test_cutting_is_slicing(images):
    patches = Patches(np.array([0, 2]), np.array([3, 10]), np.array([40, 0]))
    pictures, maps = cut(images, patches, 32)
    assert torch.equal(pictures[0], images.images[0][3:35, 40:72])
    assert torch.equal(pictures[1], images.images[2][10:42, 0:32])
    assert torch.equal(maps[1, 0], images.labels[2][10:42, 0:32])


def test_beyond_the_border_labels_are_ignored_and_pixels_repeated(images):
    pictures, maps = cut(images, Patches(np.array([0]), np.array([-4]), np.array([60])), 30)
    assert (maps[0, 0, :4] == images.classes.ignore).all()
    assert (maps[0, 0, :, 20:] == images.classes.ignore).all()
    assert torch.equal(maps[0, 0, 4:, :20], images.labels[0][:26, 60:])
    assert torch.equal(pictures[0, 0, :20], images.images[0][0, 60:])
    assert torch.equal(pictures[0, 4:, 25], images.images[0][:26, 79])


def test_an_image_smaller_than_the_patch_lies_in_its_middle(images):
    patches = PatchSampler(images, SamplingConfig(patch_size=128), seed=0, per_epoch=20).epoch(1)
    _, maps = cut(images, patches, 128)
    for index, label in zip(patches.image, maps[:, 0], strict=True):
        height, width = images.sizes[index]
        assert (label != images.classes.ignore).sum() == height * width
        top, left = (128 - height + 1) // 2, (128 - width + 1) // 2
        assert torch.equal(label[top : top + height, left : left + width], images.labels[index])
