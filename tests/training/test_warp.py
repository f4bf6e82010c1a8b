import numpy as np
import pytest
import torch

from retseg.training.warp import flip, margins, resample


def square(side, point):
    """A picture that is dark but for one bright pixel, and a label that marks it."""
    picture, label = torch.zeros(1, 3, side, side), torch.zeros(1, 1, side, side, dtype=torch.uint8)
    picture[0, :, point[0], point[1]] = 1.0
    label[0, 0, point[0], point[1]] = 7
    return picture, label


@pytest.mark.parametrize(
    ("chosen", "there"),
    [((True, False, False), (2, 13)), ((False, True, False), (13, 2)), ((False, False, True), (2, 2))],
)
def test_flips_are_exact(drawn, chosen, there):
    picture, label = square(16, (2, 2))
    picture, label = flip(picture, drawn(flips=[chosen])), flip(label, drawn(flips=[chosen]))
    assert (picture == 1).nonzero()[:, 2:].unique(dim=0).tolist() == [list(there)]
    assert (label == 7).nonzero()[:, 2:].tolist() == [list(there)]


def test_only_chosen_patches_are_flipped(drawn):
    pictures = torch.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4).float()
    maps = torch.arange(64).reshape(2, 2, 4, 4).to(torch.uint8)
    before = pictures.clone(), maps.clone()
    for planes in (pictures, maps):
        flip(planes, drawn(2, flips=[[False] * 3, [True, True, True]]))
    assert torch.equal(pictures[0], before[0][0])
    assert torch.equal(maps[1], before[1][1].flip(1, 2).transpose(1, 2))
    assert torch.equal(pictures[1], before[0][1].flip(1, 2).transpose(1, 2))


def test_no_turn_and_no_scale_is_the_middle_itself(drawn):
    picture, label = torch.rand(2, 3, 40, 40), torch.randint(0, 3, (2, 1, 40, 40), dtype=torch.uint8)
    turned, labels = resample(picture, label, drawn(2), 32)
    assert torch.allclose(turned, picture[:, :, 4:36, 4:36], atol=1e-5)
    assert torch.equal(labels, label[:, :, 4:36, 4:36])


def test_a_quarter_turn_is_exact(drawn):
    picture, label = torch.rand(1, 3, 20, 20), torch.randint(0, 3, (1, 1, 20, 20), dtype=torch.uint8)
    turned, labels = resample(picture, label, drawn(angle=[np.pi / 2]), 16)
    middle, truth = picture[:, :, 2:18, 2:18], label[:, :, 2:18, 2:18]
    quarter = next(k for k in (1, 3) if torch.equal(torch.rot90(truth, k, (2, 3)), labels))
    assert torch.allclose(turned, torch.rot90(middle, quarter, (2, 3)), atol=1e-4)


@pytest.mark.parametrize("angle", [0.3, -1.2, 2.5])
@pytest.mark.parametrize("scale", [0.7, 1.0, 1.6])
def test_a_vessel_pixel_stays_on_its_vessel(drawn, angle, scale):
    """Where the label says vessel, the picture is bright, and nowhere else, however the patch is turned."""
    y, x = np.mgrid[:120, :120]
    truth = (np.abs(y - 0.4 * x - 30) < 4) | (np.abs(x - 70) < 4)
    label = torch.from_numpy(truth.astype(np.uint8))[None, None]
    picture = label.float().repeat(1, 3, 1, 1)
    turned, labels = resample(picture, label, drawn(angle=[angle], scale=[scale]), 64)
    agree = (turned[0, 0] > 0.5) == (labels[0, 0] == 1)
    assert agree.float().mean() > 0.99
    # Half a pixel of the source is the most that nearest and bilinear sampling may differ by.
    assert (turned[0, 0][labels[0, 0] == 1] > 0.2).all()
    assert 0.05 < labels.float().mean() < 0.5


def test_enlarging_enlarges(drawn):
    label = torch.zeros(1, 1, 60, 60, dtype=torch.uint8)
    label[..., 20:40, 20:40] = 1
    _, twice = resample(label.float().repeat(1, 3, 1, 1), label, drawn(scale=[2.0]), 60)
    assert int(twice.sum()) == pytest.approx(1600, rel=0.06)


@pytest.mark.parametrize("angle", [0.1, 0.8, 2.0])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("stretch", [1.0, 0.6, 1.5])
def test_the_margin_is_enough(drawn, angle, scale, stretch):
    """With labels of 255 in the outermost ring only, nothing of that ring may be seen."""
    some = drawn(angle=[angle], scale=[scale], stretch=[stretch])
    side = 48 + 2 * int(margins(some, 48)[0])
    label = torch.full((1, 1, side, side), 255, dtype=torch.uint8)
    label[..., 1:-1, 1:-1] = 3
    _, seen = resample(torch.zeros(1, 3, side, side), label, some, 48)
    assert seen.unique().tolist() == [3]


def test_mirroring_while_sampling_is_mirroring_what_was_sampled(drawn):
    picture, label = torch.rand(4, 3, 90, 90), torch.randint(0, 3, (4, 2, 90, 90), dtype=torch.uint8)
    how = {"angle": [0.4, 1.0, 2.0, 3.0], "scale": [0.6, 0.8, 1.0, 1.4], "stretch": [1.0, 1.1, 0.9, 1.0]}
    mirrors = [[True, False, False], [False, True, False], [False, False, True], [True, True, True]]
    straight = resample(picture.clone(), label, drawn(4, **how), 40)
    mirrored = resample(picture.clone(), label, drawn(4, **how, flips=mirrors), 40)
    for before, after in zip(straight, mirrored, strict=True):
        assert torch.equal(flip(before, drawn(4, flips=mirrors)), after)


def test_stretching_makes_wider_and_lower(drawn):
    label = torch.zeros(1, 1, 100, 100, dtype=torch.uint8)
    label[..., 30:70, 30:70] = 1
    _, seen = resample(label.float().repeat(1, 3, 1, 1), label, drawn(stretch=[1.44]), 80)
    assert int(seen.amax(2).sum()) == pytest.approx(40 * 1.2, abs=1)
    assert int(seen.amax(3).sum()) == pytest.approx(40 / 1.2, abs=1)


def test_what_is_shrunk_is_not_aliased(drawn):
    """Stripes one pixel wide become an even grey; without smoothing they would become new, broader stripes."""
    stripes = torch.zeros(1, 3, 200, 200)
    stripes[..., ::2] = 1.0
    label = torch.zeros(1, 1, 200, 200, dtype=torch.uint8)
    shrunk, _ = resample(stripes.clone(), label, drawn(scale=[0.55]), 80)
    assert shrunk.std() < 0.12
    bare, _ = resample(stripes.clone(), label, drawn(scale=[0.76]), 80)
    assert bare.std() > 0.2


def test_content_beyond_a_patchs_own_margin_is_never_used(drawn):
    """So squares need filling only as far as each patch reaches."""
    some = drawn(2, scale=[0.5, 1.2], angle=[0.3, 0.0])
    room = margins(some, 40)
    side = 40 + 2 * int(room[0])
    picture, label = torch.rand(2, 3, side, side), torch.randint(0, 255, (2, 1, side, side), dtype=torch.uint8)
    spoilt, wrong = picture.clone(), label.clone()
    edge = int(room[0] - room[1])
    inner = slice(edge, side - edge)
    spoilt[1], wrong[1] = float("nan"), 77
    spoilt[1, :, inner, inner], wrong[1, :, inner, inner] = picture[1, :, inner, inner], label[1, :, inner, inner]
    for whole, part in zip(resample(picture, label, some, 40), resample(spoilt, wrong, some, 40), strict=True):
        assert torch.equal(whole, part)
