from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from retseg.core.errors import InputError
from retseg.evaluation.sums import ImageSums, SystemSums, read_sums, write_sums
from retseg.metrics.counts import Counts
from retseg.metrics.ranking import LEVELS, ScoreHistogram
from tests.evaluation.made_up import made_up


def assert_alike(read: SystemSums, written: SystemSums) -> None:
    for part in ("name", "kind", "threshold", "metrics"):
        assert getattr(read, part) == getattr(written, part)
    for a, b in zip(read.images, written.images, strict=True):
        assert (a.id, a.patient, a.counts) == (b.id, b.patient, b.counts)
        assert {k: repr(v) for k, v in a.values.items()} == {k: repr(v) for k, v in b.values.items()}
        assert (a.histogram is None) == (b.histogram is None)
        if a.histogram is not None:
            np.testing.assert_array_equal(a.histogram.pos, b.histogram.pos)
            np.testing.assert_array_equal(a.histogram.neg, b.histogram.neg)
            assert a.histogram.pos.dtype == np.int64


def test_everything_reads_back(tmp_path):
    observer = SystemSums(
        'caf\udce9 "2", Ä', "observer", None, ("dice", "hd95"), (
            ImageSums("left/a", "child 1", Counts(1, 2, 3, 2**40), None, {"dice": 1 / 3, "hd95": math.nan}),
            ImageSums("left/b", "child 1", None, None, {"dice": math.nan, "hd95": math.inf}),
        ),
    )  # fmt: skip
    nothing, nobody = SystemSums("none", "system", 0.1 + 0.2, (), ()), made_up(patients=3)
    written = [nobody, observer, nothing]
    write_sums(tmp_path / "scores.npz", written)
    read = read_sums(tmp_path / "scores.npz")
    for a, b in zip(read, written, strict=True):
        assert_alike(a, b)


def test_the_ends_of_the_range_and_large_numbers_survive(tmp_path):
    pos, neg = np.zeros(LEVELS, np.int64), np.zeros(LEVELS, np.int64)
    pos[[0, LEVELS - 1]], neg[[0, 77]] = (1, 300), (70_000, 5_000_000_000)
    images = (
        ImageSums("a", "1", None, ScoreHistogram.empty(), {}),
        ImageSums("b", "1", None, ScoreHistogram(pos, neg), {}),
        ImageSums("c", "1", None, None, {}),
    )
    system = SystemSums("net", "system", 0.5, (), images)
    write_sums(tmp_path / "scores.npz", [system])
    assert_alike(read_sums(tmp_path / "scores.npz")[0], system)


def test_the_same_sums_give_the_same_bytes_and_empty_scores_take_no_room(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_sums(tmp_path / name, [made_up(patients=5)])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert (tmp_path / "a.npz").stat().st_size < 5 * 3000 * 8


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="missing.*scores.npz.*retseg evaluate"):
        read_sums(tmp_path / "scores.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive at all", b"\x93NUMPY\x01\x00"])
def test_what_is_no_such_file_is_refused(tmp_path, content):
    (tmp_path / "scores.npz").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_sums(tmp_path / "scores.npz")


def test_another_archive_or_array_is_refused(tmp_path):
    np.savez(tmp_path / "scores.npz", something=np.zeros(3))
    with pytest.raises(InputError, match="damaged or foreign"):
        read_sums(tmp_path / "scores.npz")
    with (tmp_path / "one.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match="damaged or foreign"):
        read_sums(tmp_path / "one.npz")


def test_pickled_objects_are_never_opened(tmp_path):
    np.savez(tmp_path / "scores.npz", about=np.array([{"format": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="damaged or foreign"):
        read_sums(tmp_path / "scores.npz")


def test_any_damage_is_told_or_does_no_harm(tmp_path):
    path, system = tmp_path / "scores.npz", made_up(patients=2, pixels=200)
    write_sums(path, [system])
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged[: rng.integers(len(whole))] if rng.random() < 0.2 else damaged)
        try:
            read = read_sums(path)
        except InputError:
            refused += 1
        else:
            assert_alike(read[0], system)
    assert refused > 300, "zip's checksums find damage in the contents"


@pytest.mark.parametrize("change", ["first", "counts", "values", "scores", "pos", "ranked"])
def test_arrays_that_do_not_fit_together_are_refused(tmp_path, change):
    path = tmp_path / "scores.npz"
    write_sums(path, [made_up(patients=2, pixels=200)])
    with np.load(path) as file:
        arrays = dict(file)
    arrays[f"0/{change}"] = arrays[f"0/{change}"][:-1]
    np.savez_compressed(path, **arrays)
    with pytest.raises(InputError, match="damaged or foreign"):
        read_sums(path)


def test_two_photographs_of_one_id_cannot_be():
    image = made_up(patients=1).images[0]
    with pytest.raises(ValueError, match="two photographs of one id"):
        SystemSums("net", "system", 0.5, (), (image, image))


def test_merged_histograms_are_not_kept(tmp_path):
    few = np.ones(3, np.int64)
    image = ImageSums("a", "1", None, ScoreHistogram(few, few, np.array([0.1, 0.2, 0.3])), {})
    with pytest.raises(ValueError, match="all 16-bit scores"):
        write_sums(tmp_path / "scores.npz", [SystemSums("net", "system", 0.5, (), (image,))])


def test_parts_that_run_backwards_are_refused(tmp_path):
    path = tmp_path / "scores.npz"
    write_sums(path, [made_up(patients=2, pixels=200)])
    with np.load(path) as file:
        arrays = dict(file)
    arrays["0/first"][1] = arrays["0/first"][2] + 1
    np.savez_compressed(path, **arrays)
    with pytest.raises(InputError, match="do not fit together"):
        read_sums(path)


def test_figures_that_no_sum_gives_are_kept_beside_them(tmp_path):
    images = (ImageSums("a", "1", None, None, {"iou": 0.5}),)
    system = SystemSums("net", "system", None, ("iou", "ap"), images, {"iou": 1 / 3, "ap": math.nan})
    write_sums(tmp_path / "scores.npz", [system, made_up(patients=2)])
    read = read_sums(tmp_path / "scores.npz")
    assert read[0].pooled == {"iou": 1 / 3}
    assert read[1].pooled == {}


def test_confusion_matrices_read_back(tmp_path):
    matrix = np.array([[5, 1], [2**40, 0]], np.int64)
    images = tuple(ImageSums(name, "1", None, None, {}, matrix + n) for n, name in enumerate("ab"))
    system = SystemSums("net", "system", None, (), images, judged=(1,))
    write_sums(tmp_path / "scores.npz", [made_up(patients=2), system])
    first, second = read_sums(tmp_path / "scores.npz")
    assert second.judged == (1,)
    for number, image in enumerate(second.images):
        np.testing.assert_array_equal(image.confusion, matrix + number)
    assert [image.confusion for image in first.images] == [None, None]
    without = replace(images[0], id="c", confusion=None)
    with pytest.raises(ValueError, match="some have none"):
        write_sums(tmp_path / "x.npz", [replace(system, images=(*images, without))])
    write_sums(tmp_path / "scores.npz", [replace(system, judged=(2,))])
    with pytest.raises(InputError, match="do not fit together"):
        read_sums(tmp_path / "scores.npz")
