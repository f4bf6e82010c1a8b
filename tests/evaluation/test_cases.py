from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retseg.core.errors import InputError
from retseg.datasets.base import VESSELS
from retseg.evaluation.cases import SYSTEM, CaseFiles, Task, score_case
from retseg.evaluation.config import METRICS_OF_THE_PROTOCOL
from retseg.evaluation.maps_of_others import find_encoding
from retseg.imaging.io import read_label, write_png
from retseg.imaging.maps import write_probability
from retseg.metrics.ranking import quantise
from retseg.metrics.registry import METRICS


@pytest.fixture
def files(tmp_path, make_eye):
    eye = make_eye("a")
    write_png(tmp_path / "label.png", eye.label)
    write_png(tmp_path / "second.png", eye.observers["second"])
    write_png(tmp_path / "fov.png", eye.fov)
    write_probability(tmp_path / "prob.png", eye.probability)
    return CaseFiles(
        id="a",
        patient="1",
        reference="first",
        label=tmp_path / "label.png",
        fov=tmp_path / "fov.png",
        prediction=tmp_path / "prob.png",
        threshold=0.47,
        observers={"second": tmp_path / "second.png"},
    )


def score(files, out, **changes):
    metrics = [METRICS.get(name) for name in METRICS_OF_THE_PROTOCOL]
    task = Task(VESSELS, metrics, find_encoding([files.prediction]), **changes)
    return score_case(files, task, out / "used.png")


def test_only_pixels_inside_the_field_of_view_count(files, tmp_path, make_eye):
    eye = make_eye("a")
    found = score(files, tmp_path)
    assert found.system.histogram.positives == int((eye.label == 1).sum())
    assert found.system.counts.total == found.at_half.counts.total == int(eye.fov.sum())
    assert found.observers["second"].counts.total == int(eye.fov.sum())
    assert found.confusion is None
    np.testing.assert_array_equal(read_label(tmp_path / "used.png") > 0, eye.fov)


def test_counts_and_shapes_are_those_of_one_mask(files, tmp_path, make_eye):
    eye = make_eye("a")
    found = score(files, tmp_path)
    marked = (quantise(eye.probability) / 65535 > 0.47) & eye.fov
    assert found.system.counts.tp + found.system.counts.fp == int(marked.sum())
    assert found.density[SYSTEM] == pytest.approx(marked.sum() / eye.fov.sum())
    assert found.density["first"] == pytest.approx((eye.label == 1).sum() / eye.fov.sum())
    from scipy.ndimage import label as components

    eight = np.ones((3, 3))
    pieces = [components(mask, eight)[1] for mask in (marked, eye.label == 1)]
    assert found.system.shapes["betti0"] == abs(pieces[0] - pieces[1])


def test_what_an_observer_left_open_does_not_count_for_him(files, tmp_path, make_eye):
    eye = make_eye("a")
    drawn = eye.observers["second"].copy()
    drawn[:12] = 255
    write_png(tmp_path / "second.png", drawn)
    found = score(files, tmp_path)
    assert found.observers["second"].counts.total == int(eye.fov[12:].sum())
    assert found.agreement[SYSTEM, "second"].counts.total == int(eye.fov[12:].sum())
    assert found.agreement["second", "first"].counts.total == int(eye.fov[12:].sum())
    assert found.system.counts.total == int(eye.fov.sum())


def test_agreement_turns_false_alarms_into_misses_the_other_way_round(files, tmp_path):
    found = score(files, tmp_path).agreement
    one, other = found["first", "second"].counts, found["second", "first"].counts
    assert (one.tp, one.fp, one.fn) == (other.tp, other.fn, other.fp)
    assert set(found) == {("first", "second"), ("second", "first"), (SYSTEM, "first"), (SYSTEM, "second")}


def test_one_observer_alone_has_nobody_to_agree_with(files, tmp_path):
    assert score(replace(files, observers={}), tmp_path).agreement == {}


def test_the_system_beside_the_reference_is_its_own_score(files, tmp_path):
    found = score(files, tmp_path)
    assert found.agreement[SYSTEM, "first"].counts == found.system.counts
    assert found.agreement[SYSTEM, "first"].histogram is found.system.histogram


def test_the_bands_of_width_hold_every_vessel_pixel_once(files, tmp_path):
    found = score(files, tmp_path)
    bands = [judged.counts for judged in found.bands.values()]
    assert sum(counts.tp for counts in bands) == found.system.counts.tp
    assert sum(counts.fn for counts in bands) == found.system.counts.fn
    assert sum(counts.fp for counts in bands) == found.system.counts.fp


def test_a_map_of_yes_and_no_has_no_scores(files, tmp_path, make_eye):
    write_png(tmp_path / "prob.png", make_eye("a").probability > 0.5)
    found = score(files, tmp_path)
    assert found.binary
    assert found.system.histogram is None
    assert found.threshold == 0.5
    assert found.system is found.at_half


def test_maps_of_others_are_handed_on_as_ours(files, tmp_path, make_eye):
    eye = make_eye("a")
    np.save(tmp_path / "map.npy", eye.probability)
    other = replace(files, prediction=tmp_path / "map.npy", maps=tmp_path / "maps")
    assert score(other, tmp_path).system.counts == score(files, tmp_path).system.counts
    assert (tmp_path / "maps/prob/a.png").read_bytes() == (tmp_path / "prob.png").read_bytes()
    mask = read_label(tmp_path / "maps/mask/a.png") > 0
    np.testing.assert_array_equal(mask, (quantise(eye.probability) / 65535 > 0.47) & eye.fov)


def test_traps_are_computed_only_when_asked_for(files, tmp_path):
    assert score(files, tmp_path).traps is None
    assert score(files, tmp_path, traps=True).traps is not None


def test_scores_of_a_peer_in_eight_bits_are_read_on_their_own_scale(files, tmp_path, make_eye):
    eye = make_eye("a")
    write_png(tmp_path / "prob.png", np.rint(eye.probability * 255).astype(np.uint8))
    histogram = score(files, tmp_path).system.histogram
    assert set(np.flatnonzero(histogram.pos + histogram.neg) % 257) == {0}


def test_an_observer_s_map_of_another_size_is_refused(files, tmp_path):
    write_png(tmp_path / "second.png", np.zeros((30, 30), np.uint8))
    with pytest.raises(InputError, match="observer's label of 'a' has 30x30"):
        score(files, tmp_path)


def test_a_coloured_class_map_is_refused(files, tmp_path):
    coloured = np.zeros((24, 32, 3), np.uint8)
    coloured[..., 0] = 200
    write_png(tmp_path / "label.png", coloured)
    with pytest.raises(InputError, match=r"class indices in 8 bits.*label\.png"):
        score(files, tmp_path)
