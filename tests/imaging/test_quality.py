from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from retseg.core.errors import ImageError
from retseg.core.messages import Message
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import generate
from retseg.imaging.anatomy import Disc
from retseg.imaging.fundus_check import DOUBTFUL, NO_FUNDUS, Verdict
from retseg.imaging.quality import GOOD, GRADES, REJECT, USABLE, assess_quality, grade_measures
from retseg.imaging.quality_measures import QualityMeasures, measure_quality

FINE = QualityMeasures(
    blur=1.5,
    brightness=0.6,
    saturated=0.0,
    burnt=0.0,
    dim=0.0,
    evenness=0.6,
    contrast=0.15,
    noise=0.06,
    shown=1.0,
    spots=0.005,
    blocks=0.005,
    disc=0.95,
)
# Each from hardly to hopelessly bad.
WORSE = {
    "blur": (3.5, 9.0),
    "brightness": (0.2, 0.05),
    "burnt": (0.1, 0.6),
    "dim": (0.2, 0.6),
    "evenness": (0.15, 0.02),
    "contrast": (0.05, 0.01),
    "noise": (0.5, 3.0),
    "shown": (0.6, 0.3),
    "spots": (0.1, 0.5),
    "blocks": (0.03, 0.09),
}


@pytest.fixture(scope="module")
def eye():
    return generate(4, CAMERAS["screening"])


@pytest.fixture(scope="module")
def disc(eye):
    return Disc(eye.disc_centre[1], eye.disc_centre[0], eye.disc_radius, 0.9)


# --- the rules -------------------------------------------------------------------------------------------------------


def test_nothing_to_remark():
    quality = grade_measures(FINE, Verdict())
    assert quality.grade == GOOD
    assert quality.reasons == ()


@pytest.mark.parametrize("name", WORSE)
def test_each_measure_can_spoil_a_photograph(name):
    found = [grade_measures(replace(FINE, **{name: value}), Verdict()) for value in WORSE[name]]
    assert [quality.grade for quality in found] == [USABLE, REJECT]
    assert all(len(quality.reasons) == 1 for quality in found)
    assert found[0].reasons != found[1].reasons


def test_every_measure_has_its_limits():
    assert set(WORSE) | {"disc", "saturated"} == set(FINE.__slots__)


def test_lost_colours_are_remarked_on_and_no_more():
    quality = grade_measures(replace(FINE, saturated=1.0), Verdict())
    assert quality.grade == USABLE
    assert "overexposed" in str(quality.reasons[0])


def test_the_worst_measure_gives_the_grade_and_the_first_reason():
    quality = grade_measures(replace(FINE, blur=3.5, contrast=0.01), Verdict())
    assert quality.grade == REJECT
    assert [str(reason).split()[0] for reason in quality.reasons] == ["Vessels", "The"]


def test_without_a_disc_some_measurements_suffer():
    quality = grade_measures(replace(FINE, disc=0.0), Verdict())
    assert quality.grade == USABLE
    assert "optic disc" in str(quality.reasons[0])


@pytest.mark.parametrize(("level", "grade"), [(NO_FUNDUS, REJECT), (DOUBTFUL, USABLE)])
def test_what_is_no_photograph_of_the_retina(level, grade):
    quality = grade_measures(FINE, Verdict(level, ("one even colour", "mostly white as paper")))
    assert quality.grade == grade
    assert "one even colour, mostly white as paper" in str(quality.reasons[0])


def test_reasons_are_whole_sentences():
    for name, values in WORSE.items():
        for value in values:
            (reason,) = grade_measures(replace(FINE, **{name: value}), Verdict()).reasons
            assert str(reason)[0].isupper()
            assert str(reason).endswith(".")


def test_it_can_be_written_to_a_file():
    quality = grade_measures(replace(FINE, blur=9.0), Verdict())
    stored = json.loads(json.dumps(quality.to_json()))
    assert stored["grade"] == REJECT
    assert Message.from_json(stored["reasons"][0]) == quality.reasons[0]
    assert stored["measures"]["blur"] == 9.0


# --- photographs -----------------------------------------------------------------------------------------------------


def as_bytes(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def blurred(image, fov, strength):
    sigma = strength / 1000 * 540
    weight = ndimage.gaussian_filter(fov.astype(float), sigma)[..., None]
    smooth = ndimage.gaussian_filter(image * fov[..., None].astype(float), (sigma, sigma, 0))
    return np.where(fov[..., None], as_bytes(smooth / np.maximum(weight, 1e-3)), image)


def hazy(image, fov, strength):
    mean = image[fov].mean(axis=0)
    return np.where(fov[..., None], as_bytes(mean + strength * (image - mean)), image)


def shaded(image, fov, strength):
    return as_bytes(image * strength ** np.linspace(0, 1, image.shape[1])[:, None])


def noisy(image, fov, strength):
    return as_bytes(image + np.random.default_rng(0).normal(0, 255 * strength, image.shape))


def lit(image, fov, strength):
    return as_bytes(image * strength)


def lidded(image, fov, strength):
    return np.where(np.arange(image.shape[0])[:, None, None] < strength * image.shape[0], np.uint8(2), image)


KINDS = {
    "blur": (blurred, (2.0, 5.0, 12.0), "focus"),
    "dark": (lit, (0.7, 0.35, 0.1), "dark"),
    "bright": (lit, (1.3, 3.0, 9.0), "overexposed"),
    "uneven": (shaded, (0.6, 0.15, 0.01), "uneven"),
    "haze": (hazy, (0.8, 0.4, 0.08), "cloudy"),
    "noise": (noisy, (0.01, 0.04, 0.25), "grainy"),
    "lid": (lidded, (0.1, 0.35, 0.7), "covered"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_worse_the_photograph_the_worse_its_grade(eye, disc, kind):
    spoil, strengths, word = KINDS[kind]
    found = [assess_quality(eye.image, eye.fov, disc, Verdict())]
    found += [assess_quality(spoil(eye.image, eye.fov, one), eye.fov, disc, Verdict()) for one in strengths]
    ranks = [GRADES.index(quality.grade) for quality in found]
    assert ranks == sorted(ranks)
    assert ranks[0] < 2
    assert ranks[-1] == 2
    assert any(word in str(reason) for reason in found[-1].reasons)


def test_an_untouched_drawing_is_good(eye, disc):
    quality = assess_quality(eye.image, eye.fov, disc, Verdict())
    assert (quality.grade, quality.reasons) == (GOOD, ())


def test_the_size_in_pixels_makes_hardly_a_difference(disc):
    eye = generate(4, CAMERAS["screening"].scaled(2.6))
    image = Image.fromarray(eye.image)
    half = np.asarray(image.reduce(2))
    fov = np.asarray(Image.fromarray(eye.fov.astype(np.uint8) * 255).reduce(2)) > 127
    large = measure_quality(eye.image, eye.fov, None)
    small = measure_quality(half, fov, None)
    for name in ("brightness", "evenness", "contrast", "shown", "blur"):
        assert getattr(small, name) == pytest.approx(getattr(large, name), rel=0.12), name


def test_blur_is_measured_in_thousandths_of_the_field(eye, disc):
    """Widths of edges add as squares do."""
    sharp = measure_quality(eye.image, eye.fov, disc).blur
    soft = measure_quality(blurred(eye.image, eye.fov, 6.0), eye.fov, disc).blur
    assert soft == pytest.approx(np.hypot(sharp, 6.0), rel=0.25)


def test_a_black_patch_hides_a_part_and_is_not_taken_for_blur(eye, disc):
    whole, part = (measure_quality(one, eye.fov, disc) for one in (eye.image, lidded(eye.image, eye.fov, 0.4)))
    assert part.shown < whole.shown - 0.25
    assert part.blur == pytest.approx(whole.blur, rel=0.3)


def test_an_even_picture_has_no_vessels():
    quality = assess_quality(np.full((200, 200, 3), 120, np.uint8), np.ones((200, 200), bool), None, Verdict())
    assert quality.grade == REJECT
    assert quality.measures["contrast"] == 0


def test_all_figures_are_numbers_whatever_comes():
    for value in (0, 255):
        measures = measure_quality(np.full((50, 60, 3), value, np.uint8), np.ones((50, 60), bool), None)
        assert all(np.isfinite(getattr(measures, name)) for name in measures.__slots__)


def test_bad_input(eye, disc):
    with pytest.raises(ImageError, match="does not fit"):
        assess_quality(eye.image, eye.fov[1:], disc, Verdict())
