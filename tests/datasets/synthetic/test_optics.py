from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from retseg.datasets.synthetic.optics import draw_exposure, lit, recorded


@pytest.fixture
def clean():
    """An exposure without any of the faults."""
    drawn = draw_exposure(np.random.default_rng(0), None)
    faults = {"vignetting": 0.0, "veil": 0.0, "grain": 0.0, "sharpening": 0.0, "rim_glare": 0.0, "border": 0.0}
    return dataclasses.replace(drawn, **faults)


def flat(view, value=0.5):
    return np.full((*view.camera.shape, 3), value, np.float32)


def picture(view, exposure, scene=None, seed=0):
    scene = flat(view) if scene is None else scene
    return recorded(np.random.default_rng(seed), scene, view, exposure, view.camera.coverage())


def test_an_even_scene_is_recorded_as_it_is_inside_the_field_only(view, clean):
    image = picture(view, clean)
    fov = view.camera.field_of_view()
    core = view.camera.coverage() == 1
    assert np.abs(image[core].astype(int) - 128).max() <= 1
    assert not image[view.camera.coverage() == 0].any()
    assert fov.sum() >= core.sum()


def test_vignetting_darkens_the_rim(view, clean):
    x, y = view.grid()
    far = np.hypot(x - view.gaze[0], y - view.gaze[1]) / (view.um_per_pixel * view.camera.diameter / 2)

    def rim_to_middle(amount):
        light = lit(np.random.default_rng(0), flat(view), view, dataclasses.replace(clean, vignetting=amount))[..., 1]
        return light[(far > 0.85) & (far < 0.95)].mean() / light[far < 0.2].mean()

    assert rim_to_middle(0.6) < 0.85 * rim_to_middle(0.0)


def test_stray_light_takes_contrast_away(view, clean):
    scene = flat(view)
    scene[100:110] = 0.2
    contrasts = []
    for veil in (0.0, 0.2):
        light = lit(np.random.default_rng(0), scene, view, dataclasses.replace(clean, veil=veil))
        contrasts.append(1 - light[105, 160, 1] / light[120, 160, 1])
    assert contrasts[1] < 0.95 * contrasts[0]


def test_blur_is_in_micrometres_of_retina(view, clean):
    scene = flat(view)
    scene[:, 160:] = 0.1
    sharp, soft = (
        np.abs(
            np.diff(picture(view, dataclasses.replace(clean, blur=blur), scene)[160, 140:180, 1].astype(float))
        ).max()
        for blur in (5.0, 90.0)
    )
    assert soft < 0.5 * sharp


def test_grain_is_as_strong_as_said_and_follows_the_seed(view, clean):
    grainy = dataclasses.replace(clean, grain=0.02, grain_size=0.0)
    one, same, other = (picture(view, grainy, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    deviation = one[100:200, 100:200, 1].std()
    assert deviation == pytest.approx(0.02 * 255 * np.sqrt(0.5 * 1.5 + 0.1), rel=0.1)


def test_jpeg_leaves_its_traces(view, clean):
    rng = np.random.default_rng(0)
    scene = (flat(view) + rng.normal(0, 0.05, (*view.camera.shape, 3))).astype(np.float32)
    lossless = picture(view, clean, scene)
    compressed = picture(view, dataclasses.replace(clean, quality=60), scene)
    assert not np.array_equal(lossless, compressed)
    assert np.abs(lossless.astype(int) - compressed).mean() < 8


def test_quality_is_drawn_from_its_range():
    drawn = {draw_exposure(np.random.default_rng(seed), (70, 72)).quality for seed in range(30)}
    assert drawn == {70, 71, 72}
