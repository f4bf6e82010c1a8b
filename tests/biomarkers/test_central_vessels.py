from __future__ import annotations

import math

import pytest

from retseg.biomarkers.central_vessels import ARTERIES, VEINS, central_equivalent
from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measure import measure
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.units import Value
from retseg.imaging.anatomy import Disc
from tests.biomarkers.drawn import eye_of, ray, vessels

MIDDLE = (350.0, 350.0)
WIDTHS = (7.0, 8.0, 8.5, 9.0, 10.0, 11.5)


def spokes(widths: tuple[float, ...], turn: float):
    step = 360 / len(widths)
    return vessels(700, *((ray(300, turn + step * number, MIDDLE), width) for number, width in enumerate(widths)))


def eye(arteries: tuple[float, ...], veins: tuple[float, ...], scale: float | None = 4.0) -> Eye:
    red, blue = spokes(arteries, 7), spokes(veins, 33)
    return eye_of(red | blue, um_per_pixel=scale, disc=Disc(*MIDDLE, 75.0, 1.0), arteries=red, veins=blue)


def test_knudtsons_formula_by_hand() -> None:
    pair = 0.88 * math.hypot(3, 4)
    assert central_equivalent([4, 3], 0.88) == pytest.approx(pair)
    one, two, three = (0.95 * math.hypot(*pair) for pair in ((6, 1), (5, 2), (4, 3)))
    low, middle, high = sorted((one, two, three))
    assert central_equivalent([1, 2, 3, 4, 5, 6], 0.95) == pytest.approx(
        0.95 * math.hypot(0.95 * math.hypot(low, high), middle)
    )
    assert central_equivalent([5.0], 0.95) == 5.0
    assert central_equivalent([3, 1, 2], 0.88) == pytest.approx(0.88 * math.hypot(0.88 * math.hypot(1, 3), 2))
    assert (ARTERIES, VEINS) == (0.88, 0.95)


def test_six_drawn_vessels_of_each_kind() -> None:
    veins = tuple(1.3 * width for width in WIDTHS)
    found = measure(eye(WIDTHS, veins))
    crae, crve, avr = (found[name] for name in ("crae", "crve", "avr"))
    assert isinstance(crae, Value)
    assert isinstance(crve, Value)
    assert isinstance(avr, Value)
    assert (crae.unit, crve.unit, avr.unit) == ("µm", "µm", "")
    truth = [4 * central_equivalent(widths, c) for widths, c in ((WIDTHS, ARTERIES), (veins, VEINS))]
    assert crae.number == pytest.approx(truth[0], rel=0.02)
    assert crve.number == pytest.approx(truth[1], rel=0.02)
    assert avr.number == pytest.approx(truth[0] / truth[1], rel=0.03)


def test_only_the_six_largest_count_and_the_ratio_needs_no_scale() -> None:
    with_small = measure(eye((*WIDTHS, 4.0, 4.5), WIDTHS, None))
    without = measure(eye(WIDTHS, WIDTHS, None))
    for name in ("crae", "avr"):
        one, other = with_small[name], without[name]
        assert isinstance(one, Value)
        assert isinstance(other, Value)
        assert one.number == pytest.approx(other.number, rel=0.02)
    assert with_small["crae"].unit == "px"  # type: ignore[union-attr]


def test_too_few_vessels() -> None:
    found = measure(eye(WIDTHS[:5], WIDTHS), ["crae", "crve", "avr"])
    reason = NotMeasured("only {count} vessels of the kind cross zone B, {least} are needed", count=5, least=6)
    assert found["crae"] == found["avr"] == reason
    assert isinstance(found["crve"], Value)


def test_a_vessel_that_branches_in_the_zone_counts_as_what_it_is_on_each_circle() -> None:
    whole = eye((*WIDTHS[:5], 14.0), WIDTHS)
    # From the middle of zone B on, the widest one is two.
    tip = (MIDDLE[0] + 190 * math.sin(math.radians(307)), MIDDLE[1] + 190 * math.cos(math.radians(307)))
    arms = [(ray(120, 307 + side, tip), 11.0) for side in (-18, 18)]
    trunk = [(ray(190, 307, MIDDLE), 14.0)]
    rest = [(ray(300, 7 + 60 * number, MIDDLE), width) for number, width in enumerate(WIDTHS[:5])]
    red = vessels(700, *rest, *trunk, *arms)
    assert whole.veins is not None
    branched = eye_of(red | whole.veins, um_per_pixel=4.0, disc=whole.disc, arteries=red, veins=whole.veins)
    found = measure(branched, ["crae"])["crae"]
    assert isinstance(found, Value)
    inner = 4 * central_equivalent((*WIDTHS[:5], 14.0), ARTERIES)
    outer = 4 * central_equivalent((*WIDTHS[1:5], 11.0, 11.0), ARTERIES)
    assert min(inner, outer) * 0.97 < found.number < max(inner, outer) * 1.03


def test_without_a_map_or_a_disc() -> None:
    known = eye(WIDTHS, WIDTHS)
    for name in ("crae", "crve", "avr"):
        assert measure(eye_of(known.mask, disc=known.disc), [name])[name] == NotMeasured("needs an artery/vein map")
    found = measure(eye_of(known.mask, arteries=known.arteries, veins=known.veins), ["avr"])["avr"]
    assert found == NotMeasured("the optic disc was not found")
