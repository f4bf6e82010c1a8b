from __future__ import annotations

import time

import numpy as np
import pytest

from retseg.datasets.synthetic.picture_layouts import PICTURE_LAYOUTS
from retseg.datasets.synthetic.scenes import KINDS, NAMES, VOID, draw_scene

INDEX = {name: index for index, name in enumerate(NAMES)}
SHOWN = {
    "pasture": {"cow", "grass", "sky"},
    "horses": {"horse", "grass", "sky"},
    "boats": {"boat", "water", "sky"},
    "mountains": {"mountain", "water", "sky"},
    "face": {"face", "body"},
    "people": {"face", "body"},
    "car": {"car", "road"},
    "street": {"road", "building", "sky"},
    "books": {"book"},
    "cat": {"cat"},
}
"""What scenes of some kinds always show."""


@pytest.fixture(scope="module")
def sixty():
    """The first sixty pictures of a set, at half size: labels by id."""
    pictures = PICTURE_LAYOUTS["msrc"].pictures()[:60]
    return [draw_scene(picture.shows, picture.seed(0), *picture.size(0.5)) for picture in pictures]


def shown(scene):
    return {NAMES[value] for value in np.unique(scene.labels) if value != VOID}


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_one_scene_and_another_gives_another(kind):
    one, same, other = (draw_scene(kind, seed, 80, 53) for seed in (7, 7, 8))
    assert np.array_equal(one.image, same.image)
    assert np.array_equal(one.labels, same.labels)
    assert not np.array_equal(one.labels, other.labels)


def test_arrays_have_the_size_asked_for():
    for width, height in ((320, 213), (213, 320), (64, 64), (17, 16)):
        scene = draw_scene("street", 3, width, height)
        assert (scene.image.shape, scene.image.dtype) == ((height, width, 3), np.uint8)
        assert (scene.labels.shape, scene.labels.dtype) == ((height, width), np.uint8)
        assert set(np.unique(scene.labels)) <= {*range(len(NAMES)), VOID}


@pytest.mark.parametrize("kind", SHOWN)
def test_scenes_show_what_belongs_together(kind):
    for seed in range(5):
        assert SHOWN[kind] <= shown(draw_scene(kind, seed, 160, 107)), seed


def test_sixty_scenes_show_every_class_unevenly_and_void(sixty):
    present = {name: sum(name in shown(scene) for scene in sixty) for name in NAMES}
    assert min(present.values()) >= 1
    assert present["horse"] <= 3
    assert present["mountain"] <= 3
    assert present["sky"] > 20
    void = np.array([(scene.labels == VOID).mean() for scene in sixty])
    assert (void > 0).all()
    assert 0.05 < void.mean() < 0.35


def test_a_larger_picture_shows_the_same_shapes():
    for seed in range(4):
        small, large = (draw_scene("pasture", seed, 80 * n, 60 * n, seams=False).labels for n in (1, 3))
        # The middle of each block of three by three pixels lies where the small picture's pixel does.
        assert (large[1::3, 1::3] == small).mean() > 0.97


def test_without_seams_every_region_reaches_its_border():
    with_seams, without = (draw_scene("pasture", 2, 160, 107, seams=seams) for seams in (True, False))
    assert np.array_equal(with_seams.image, without.image)
    seam = (with_seams.labels == VOID) & (without.labels != VOID)
    assert 0.02 < seam.mean() < 0.3
    assert np.array_equal(with_seams.labels[~seam], without.labels[~seam])
    crossing = without.labels[1:] != without.labels[:-1]
    assert seam[1:][crossing].all(), "a seam lies on every border"


def test_labels_lie_on_what_is_seen():
    """Sky is bluer or brighter than grass, grass is green, and pixels of one class are more alike than all pixels."""
    for seed in range(6):
        scene = draw_scene("pasture", seed, 160, 120)
        sky, grass = (scene.image[scene.labels == INDEX[name]].astype(float) for name in ("sky", "grass"))
        assert sky.mean() > grass.mean()
        assert grass[:, 1].mean() > max(grass[:, 0].mean(), grass[:, 2].mean())
        assert max(sky.std(axis=0).mean(), grass.std(axis=0).mean()) < scene.image.std(axis=(0, 1)).mean()


def test_lighting_and_place_vary():
    scenes = [draw_scene("cat", seed, 80, 60) for seed in range(12)]
    assert np.std([scene.image.mean() for scene in scenes]) > 8
    sizes = [(scene.labels == INDEX["cat"]).mean() for scene in scenes]
    assert max(sizes) > 1.3 * min(sizes)


def test_a_small_scene_is_drawn_in_a_moment():
    times = []
    for kind in KINDS:
        start = time.perf_counter()
        draw_scene(kind, 1, 160, 107)
        times.append(time.perf_counter() - start)
    print(f"a scene of 160x107 takes {1000 * np.median(times):.0f} ms")
    assert np.median(times) < 0.05
