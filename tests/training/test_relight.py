import numpy as np
import pytest
import torch

from retseg.core.types import Classes, ClassInfo
from retseg.imaging.normalise import input_statistics
from retseg.training.relight import Exposure, relight

CLASSES = Classes("two", (ClassInfo("outside", (0, 0, 0)), ClassInfo("retina", (0, 0, 255))), outside=0)


def photograph(side=96, seed=0):
    """A picture (1, 3, s, s) in 8-bit steps, its class map (1, s, s), and its field of view as an array (s, s)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    fov = (y - side / 2) ** 2 + (x - side / 2) ** 2 < (0.45 * side) ** 2
    smooth = 30 * np.sin(y / 17)[..., None] + 20 * np.cos(x / 11)[..., None]
    levels = np.clip(np.array([150, 90, 60]) + smooth + rng.normal(0, 4, (side, side, 3)), 0, 255) * fov[..., None]
    return tensor(levels.astype(np.uint8)), torch.from_numpy(fov.astype(np.uint8))[None], fov


def tensor(levels):
    return torch.from_numpy(levels).permute(2, 0, 1)[None] / 255


def measured(picture, fov):
    levels = (picture[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).contiguous().numpy()
    found = input_statistics(levels, fov, "fov")
    return torch.tensor([found.mean]), torch.tensor([found.std])


def test_light_is_changed_as_defined(drawn):
    picture = torch.rand(4, 3, 8, 8) * 0.5 + 0.2
    before = picture.clone()
    some = drawn(
        4,
        gamma=[2.0, 1.0, 1.0, 1.0],
        brightness=[0.0, 0.1, 0.0, 0.0],
        contrast=[1.0, 1.2, 1.0, 1.0],
        colour=[[1, 1, 1], [1, 1, 1], [1.1, 1, 0.9], [1, 1, 1]],
    )
    after = relight(picture, some)
    assert torch.allclose(after[0], before[0] ** 2)
    mean = before[1].mean((1, 2), keepdim=True)
    assert torch.allclose(after[1], (before[1] - mean) * 1.2 + mean + 0.1, atol=1e-6)
    assert torch.allclose(after[2], before[2] * torch.tensor([1.1, 1.0, 0.9])[:, None, None], atol=1e-6)
    assert torch.equal(after[3], before[3])


def test_mixing_is_a_matrix_of_the_channels(drawn):
    picture = torch.rand(2, 3, 8, 8)
    matrix = np.array([[1.0, 0.2, 0.0], [0.0, 0.9, -0.1], [0.3, 0.0, 1.1]])
    after = relight(picture.clone(), drawn(2, mixing=[np.eye(3), matrix]))
    assert torch.equal(after[0], picture[0])
    assert torch.allclose(after[1], torch.einsum("ij,jhw->ihw", torch.tensor(matrix).float(), picture[1]), atol=1e-6)


def test_uneven_light_is_the_bicubic_surface(drawn):
    picture, heights = torch.rand(2, 3, 50, 50) + 0.1, np.random.default_rng(0).normal(0, 0.15, (3, 3))
    after = relight(picture.clone(), drawn(2, illumination=[np.zeros((3, 3)), heights]))
    assert torch.equal(after[0], picture[0])
    surface = torch.nn.functional.interpolate(
        torch.tensor(heights).float()[None, None], size=(50, 50), mode="bicubic", align_corners=True
    )
    assert torch.allclose(after[1] / picture[1], 1 + surface[0].expand(3, -1, -1), atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"brightness": [-0.05]},
        {"contrast": [1.2]},
        {"colour": [[0.8, 1.1, 1.2]]},
        {"contrast": [0.7], "brightness": [0.1], "colour": [[1.1, 1.0, 0.8]]},
        {"gamma": [0.8]},
        {"mixing": [[[0.9, 0.1, 0.0], [0.05, 1.0, 0.1], [-0.1, 0.2, 1.0]]]},
    ],
)
def test_statistics_follow_as_inference_would_measure_them(drawn, change):
    """A patch that is its whole photograph, relit, has the statistics that the relit photograph is found to have."""
    picture, labels, fov = photograph()
    mean, std = measured(picture, fov)
    some = drawn(renormalise=[True], **change)
    exposure = Exposure(picture, labels, CLASSES, some)
    relit = relight(picture.clone(), some)
    followed = exposure.followed(relit, mean, std)
    wanted = measured(relit, fov)
    assert not torch.allclose(mean, wanted[0], atol=0.02) or not torch.allclose(std, wanted[1], atol=0.01)
    assert torch.allclose(followed[0], wanted[0], atol=0.006)
    assert torch.allclose(followed[1], wanted[1], rtol=0.05)


def test_only_chosen_patches_get_new_statistics(drawn):
    picture, labels, fov = photograph()
    picture, labels = picture.repeat(2, 1, 1, 1), labels.repeat(2, 1, 1)
    mean, std = (values.repeat(2, 1) for values in measured(picture, fov))
    some = drawn(2, renormalise=[False, True], brightness=[0.1, 0.1])
    exposure = Exposure(picture, labels, CLASSES, some)
    new_mean, new_std = exposure.followed(relight(picture.clone(), some), mean, std)
    assert torch.equal(new_mean[0], mean[0])
    assert torch.equal(new_std[0], std[0])
    assert torch.allclose(new_mean[1], mean[1] + 0.1, atol=1e-3)


def test_statistics_stay_where_nothing_can_be_measured(drawn):
    """No pixel inside the field of view; or statistics that were never measured, which leave 0..1 as it is."""
    picture, labels, fov = photograph()
    some = drawn(renormalise=[True], contrast=[0.6])
    exposure = Exposure(picture, torch.zeros_like(labels), CLASSES, some)
    statistics = measured(picture, fov)
    assert all(map(torch.equal, exposure.followed(relight(picture.clone(), some), *statistics), statistics))
    exposure, unit = Exposure(picture, labels, CLASSES, some), (torch.zeros(1, 3), torch.ones(1, 3))
    assert all(map(torch.equal, exposure.followed(relight(picture.clone(), some), *unit), unit))


def test_pixels_that_take_part_in_nothing_are_not_measured(drawn):
    """They may lie beyond the photograph, where its border is repeated."""
    picture, labels, fov = photograph()
    mean, std = measured(picture, fov)
    spoilt, partly = picture.clone(), labels.clone()
    spoilt[..., :20], partly[..., :20] = 1.0, CLASSES.ignore
    some = drawn(renormalise=[True], gamma=[0.6])
    found = []
    for seen in (picture, spoilt):
        exposure = Exposure(seen, partly, CLASSES, some)
        found.append(exposure.followed(relight(seen.clone(), some), mean, std))
    assert all(map(torch.equal, *found))
