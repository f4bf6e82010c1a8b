from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retseg.core.errors import ImageError
from retseg.evaluation import maps_of_others
from retseg.evaluation.maps_of_others import OURS, MapEncoding, find_encoding, read_scores
from retseg.imaging.io import write_png
from retseg.imaging.maps import write_probability
from retseg.metrics.ranking import quantise, score_histogram

SHAPE = (24, 32)


@pytest.fixture
def probability() -> np.ndarray:
    """Probabilities (24, 32) float32 from 0 to 1, both reached."""
    values = np.random.default_rng(0).random(SHAPE, np.float32)
    values[0, :2] = 0, 1
    return values


@pytest.fixture
def mask() -> np.ndarray:
    return np.random.default_rng(1).random(SHAPE) < 0.2


def saved(folder: Path, *arrays: np.ndarray) -> list[Path]:
    """Each array as an NPY file, in order."""
    paths = []
    for number, array in enumerate(arrays):
        np.save(folder / f"{number}.npy", array)
        paths.append(folder / f"{number}.npy")
    return paths


def scores_of(path: Path, encoding: MapEncoding | None = None) -> np.ndarray:
    return read_scores(path, SHAPE, encoding or find_encoding([path])).scores


class TestProbabilities:
    def test_our_own_maps_come_back_bit_for_bit(self, tmp_path, probability):
        write_probability(tmp_path / "map.png", probability)
        encoding = find_encoding([tmp_path / "map.png"])
        assert encoding == OURS
        maps = read_scores(tmp_path / "map.png", SHAPE, encoding)
        assert not maps.binary
        assert maps.scores.dtype == np.uint16
        np.testing.assert_array_equal(maps.scores, quantise(probability))

    def test_all_sixteen_bit_values_stay(self, tmp_path):
        every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
        write_png(tmp_path / "map.png", every)
        np.testing.assert_array_equal(read_scores(tmp_path / "map.png", every.shape, OURS).scores, every)

    def test_all_eight_bit_values(self, tmp_path):
        every = np.arange(256, dtype=np.uint8).reshape(16, 16)
        write_png(tmp_path / "map.png", every)
        encoding = find_encoding([tmp_path / "map.png"])
        scores = read_scores(tmp_path / "map.png", every.shape, encoding).scores
        np.testing.assert_array_equal(scores, quantise(every / 255))
        np.testing.assert_array_equal(scores, every.astype(int) * 257)
        assert encoding.words == "probabilities (uint8 values 0 to 255 as 0 to 1)"

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("suffix", ["npy", "tif"])
    def test_floats(self, tmp_path, probability, dtype, suffix):
        path, values = tmp_path / f"map.{suffix}", probability.astype(dtype)
        np.save(path, values) if suffix == "npy" else tifffile.imwrite(path, values)
        encoding = find_encoding([path])
        assert encoding.words == "probabilities from 0 to 1"
        # The nearest score; halves fall as the type's own rounding has it.
        np.testing.assert_allclose(scores_of(path), values.astype(np.float64) * 65535, rtol=0, atol=0.503)

    def test_the_auc_of_floats_is_that_of_their_sixteen_bits(self, tmp_path, probability, mask):
        from sklearn.metrics import roc_auc_score

        (path,) = saved(tmp_path, probability)
        scores = scores_of(path)
        assert score_histogram(scores, mask).roc_auc() == pytest.approx(roc_auc_score(mask.ravel(), scores.ravel()))

    def test_rounding_may_carry_a_float_past_one(self, tmp_path, probability):
        (path,) = saved(tmp_path, probability * np.float32(1.0005) - np.float32(0.0001))
        assert scores_of(path).max() == 65535
        assert scores_of(path).min() == 0

    @settings(max_examples=40, deadline=None)
    @given(values=hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32)))
    def test_floats_are_quantised_as_our_own_are(self, tmp_path_factory, values):
        (path,) = saved(tmp_path_factory.mktemp("maps"), values)
        np.testing.assert_array_equal(read_scores(path, SHAPE, MapEncoding()).scores, quantise(values))


class TestMasks:
    @pytest.mark.parametrize(
        ("dtype", "one"),
        [
            ("bool", 1), ("uint8", 1), ("uint8", 255), ("uint16", 1), ("uint16", 255), ("uint16", 65535), ("int8", 1),
            ("int16", 255), ("int32", 1), ("int64", 1), ("int64", 255), ("uint32", 1), ("float32", 1), ("float64", 255),
        ],
    )  # fmt: skip
    def test_any_usual_mask(self, tmp_path, mask, dtype, one):
        paths = saved(tmp_path, mask.astype(dtype) * np.array(one, dtype), np.zeros(SHAPE, dtype))
        encoding = find_encoding(paths)
        assert encoding.binary
        assert encoding.words == "masks of yes and no, without probabilities"
        maps = read_scores(paths[0], SHAPE, encoding)
        assert maps.binary
        np.testing.assert_array_equal(maps.scores, np.where(mask, 65535, 0))
        assert not scores_of(paths[1], encoding).any()

    def test_a_folder_with_one_map_of_probabilities_is_not_binary(self, tmp_path, mask, probability):
        paths = saved(tmp_path, mask, mask.astype(np.uint8) * 255, mask.astype(np.float32), probability)
        encoding = find_encoding(paths)
        assert not encoding.binary
        for path in paths[:3]:
            np.testing.assert_array_equal(scores_of(path, encoding), np.where(mask, 65535, 0))

    def test_ones_mean_what_the_whole_folder_says(self, tmp_path, mask, probability):
        ones, levels = mask.astype(np.uint8), np.rint(probability * 255).astype(np.uint8)
        paths = saved(tmp_path, ones, levels)
        for order in (paths, paths[::-1]):
            encoding = find_encoding(order)
            assert encoding == MapEncoding(False, (("uint8", 255),))
            np.testing.assert_array_equal(scores_of(paths[0], encoding), ones * np.uint16(257))
        np.testing.assert_array_equal(scores_of(paths[0]), ones * np.uint16(65535))

    def test_two_grey_values_are_no_mask(self, tmp_path, mask):
        (path,) = saved(tmp_path, np.where(mask, 200, 30).astype(np.uint8))
        assert not find_encoding([path]).binary
        assert sorted(np.unique(scores_of(path))) == [30 * 257, 200 * 257]


class TestEncoding:
    def test_reads_no_more_than_it_needs(self, tmp_path, probability, mask, monkeypatch):
        read = []
        original = maps_of_others.read_foreign_map
        monkeypatch.setattr(maps_of_others, "read_foreign_map", lambda path: read.append(path) or original(path))
        levels = np.rint(probability * 65535).astype(np.uint16)
        paths = saved(tmp_path, mask.astype(np.uint16), levels, levels, levels)
        find_encoding(paths)
        assert read == paths[:2]

    def test_bad_files_are_left_to_the_reading(self, tmp_path, probability):
        (path,) = saved(tmp_path, probability)
        (tmp_path / "bad.npy").write_bytes(b"nothing")
        assert find_encoding([tmp_path / "bad.npy", path]) == MapEncoding(False)
        assert find_encoding([]).binary

    @pytest.mark.parametrize("value", [0, 255])
    def test_a_folder_of_one_single_value_decides_nothing(self, tmp_path, value):
        paths = saved(tmp_path, *(np.full(SHAPE, value, np.uint8) for _ in range(3)))
        assert not find_encoding(paths).binary
        assert read_scores(paths[0], SHAPE, find_encoding(paths)).scores.max() == value * 257

    def test_travels_between_processes(self):
        assert pickle.loads(pickle.dumps(OURS)) == OURS


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "what", "fix"),
        [
            (lambda p: p * 255, "this one holds 0 to 255", "such as 100, 255 or 65535"),
            (lambda p: np.rint(p * 255), "this one holds 0 to 255", "save them as uint8, or divide"),
            (lambda p: 8 * p - 4, "this one holds -4 to 4", "apply the sigmoid"),
            (lambda p: 1.2 * p, "this one holds 0 to 1.2", "Divide by the value that stands for 1"),
        ],
    )
    def test_floats_outside_zero_to_one(self, tmp_path, probability, change, what, fix):
        (path,) = saved(tmp_path, change(probability.astype(np.float64)))
        with pytest.raises(ImageError) as caught:
            scores_of(path)
        assert what in caught.value.what
        assert fix in str(caught.value.fix)
        assert str(path) in caught.value.line

    @pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "uint32"])
    def test_integers_of_no_known_scale(self, tmp_path, probability, dtype):
        (path,) = saved(tmp_path, np.rint(probability * 100).astype(dtype))
        with pytest.raises(
            ImageError, match=f"{dtype} values from 0 to 100, a scale that is not known.*uint8 or uint16"
        ):
            scores_of(path)

    def test_negative_integers(self, tmp_path, mask):
        (path,) = saved(tmp_path, np.where(mask, 1, -1).astype(np.int8))
        with pytest.raises(ImageError, match="values from -1 to 1"):
            scores_of(path)

    def test_eight_bits_in_sixteen(self, tmp_path, probability):
        (path,) = saved(tmp_path, np.rint(probability * 255).astype(np.uint16))
        with pytest.raises(ImageError, match="reach only 255 of 65535.*Save 8-bit values as uint8"):
            scores_of(path)

    def test_a_map_unlike_the_others(self, tmp_path, probability, mask):
        ones, levels = saved(tmp_path, mask.astype(np.uint8), np.rint(probability * 255).astype(np.uint8))
        with pytest.raises(ImageError, match="the other maps are masks of 0 and 1.*in one way"):
            scores_of(levels, find_encoding([ones]))


def test_one_bad_map_does_not_hide_the_others(tmp_path, probability):
    bad, small = probability.copy(), probability[:20]
    bad[3, 3] = np.nan
    paths = saved(tmp_path, probability, bad, small, probability * 3)
    found = dict(zip("abcd", paths, strict=True))
    encoding, problems = find_encoding(paths), []
    for one, path in found.items():
        try:
            read_scores(path, SHAPE, encoding)
        except ImageError as error:
            problems.append((one, error.line))
    assert [one for one, _ in problems] == ["b", "c", "d"]
    reasons = [reason for _, reason in problems]
    assert "1 NaN values" in reasons[0]
    assert "32x20 pixels, its photograph 32x24" in reasons[1]
    assert "holds 0 to 3" in reasons[2]
    assert not any("\n" in reason for reason in reasons)
