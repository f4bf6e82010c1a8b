import numpy as np
import pytest
import torch

from retseg.core.errors import ImageError
from retseg.core.types import CLASS_MAP
from retseg.imaging.config import InputConfig
from retseg.imaging.geometry import Geometry
from retseg.imaging.normalise import input_statistics
from retseg.training.images import TrainingImages, labelled
from tests.training.test_job import of_member

CPU = torch.device("cpu")


def test_images_and_labels_are_those_of_the_working_grid(vessels):
    samples, config = vessels.split("train"), InputConfig(normalise="fov", crop=True, diameter=40)
    loaded = TrainingImages.load(vessels, samples, config, CPU)
    for index, sample in enumerate(samples):
        case = vessels.case(sample)
        geometry = Geometry.fit(case.fov, crop=True, diameter=40)
        image = geometry.image_to_working(case.image)
        assert np.array_equal(loaded.images[index].numpy(), image)
        assert np.array_equal(loaded.labels[index].numpy(), geometry.labels_to_working(case.targets[CLASS_MAP]))
        statistics = input_statistics(image, geometry.mask_to_working(case.fov), "fov")
        assert loaded.mean[index].tolist() == pytest.approx(statistics.mean)
        assert loaded.std[index].tolist() == pytest.approx(statistics.std)
    assert loaded.images[0].dtype == torch.uint8
    assert loaded.patients == ("p1", "p2", "p3", "p4")


def test_uncropped_images_keep_their_pixels(vessels, images):
    for index, sample in enumerate(vessels.split("train")):
        assert np.array_equal(images.images[index].numpy(), vessels.case(sample).image)
    assert images.sizes.tolist() == [[72, 80], [80, 72], [90, 96], [90, 96], [72, 80]]


def test_the_lectures_test_images_are_whole_and_square(vessels):
    config = InputConfig(normalise="unit", crop=False)
    loaded = TrainingImages.load(vessels, vessels.split("test"), config, CPU, side=24)
    assert loaded.sizes.tolist() == [[24, 24], [24, 24]]
    assert set(loaded.labels[1].unique().tolist()) == {0, 1, 2}


def test_the_digest_follows_every_pixel(vessels, images):
    config = InputConfig(normalise="unit", crop=False)
    again = TrainingImages.load(vessels, vessels.split("train"), config, CPU)
    fewer = TrainingImages.load(vessels, vessels.split("train")[:-1], config, CPU)
    smaller = TrainingImages.load(vessels, vessels.split("train"), InputConfig(diameter=60), CPU)
    assert again.digest == images.digest
    assert len({images.digest, fewer.digest, smaller.digest}) == 3


def test_pixels_of_each_class_are_counted(images):
    expected = np.bincount(np.concatenate([label.numpy().ravel() for label in images.labels]), minlength=3)
    assert images.class_pixels().tolist() == expected.tolist()


def test_a_photograph_without_label_cannot_be_trained_on(make_set, make_case):
    prepared = make_set([make_case("a", "p1", "train"), make_case("b", "p2", "train", labelled=False)])
    assert [sample.id for sample in labelled(prepared, prepared.split("train"))] == ["a"]
    with pytest.raises(ImageError, match="no label"):
        TrainingImages.load(prepared, prepared.split("train"), InputConfig(), CPU)


def test_each_camera_has_a_working_size_of_its_own(make_set, make_case):
    cases = [of_member(make_case(member, f"p{member}", "train"), member) for member in "ab"]
    sizes = InputConfig(diameter=40, cameras={"b": 60})
    loaded = TrainingImages.load(make_set(cases), make_set(cases).samples, sizes, CPU)
    longer = [max(size) for size in loaded.sizes.tolist()]
    assert longer[1] == pytest.approx(1.5 * longer[0], abs=1)
