from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from retseg.core.errors import ImageError
from retseg.datasets.segment_labels import read_segment_label

SEGMENTS = [[1, 1, 2], [3, 4, 0]]


def write(path, segments=SEGMENTS, classes=((23, 0, 1),), **more):
    savemat(path, {"newseg": np.array(segments), "newlabels": np.array(classes)} | more)
    return path


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.float64])
def test_segments_get_their_class_and_void_is_class_0_no_segment_and_segments_beyond_the_list(tmp_path, kind):
    path = write(tmp_path / "a.mat", np.array(SEGMENTS, kind), np.array([[23, 0, 1]], kind))
    found = read_segment_label(path, 23, 255)
    assert found.dtype == np.uint8
    assert found.tolist() == [[22, 22, 255], [0, 255, 255]]


@pytest.mark.parametrize("classes", [[23, 0, 1], [[23], [0], [1]]])
def test_a_list_may_stand_or_lie(tmp_path, classes):
    assert read_segment_label(write(tmp_path / "a.mat", classes=classes), 23, 255)[1, 0] == 0


def test_more_segments_than_eight_bits_can_number(tmp_path):
    segments = np.arange(1, 401).reshape(20, 20)
    path = write(tmp_path / "a.mat", segments, (np.arange(400) % 23 + 1)[None])
    assert np.array_equal(read_segment_label(path, 23, 255), (segments - 1) % 23)


def test_a_label_without_any_class_is_all_void(tmp_path):
    assert (read_segment_label(write(tmp_path / "a.mat", classes=np.zeros((1, 0))), 23, 255) == 255).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": [[24]]}, "'newlabels' holds 24, but classes go from 1 to 23"),
        ({"classes": [[-1]]}, "'newlabels' holds -1"),
        ({"classes": [[1.5]]}, "'newlabels' does not hold whole numbers"),
        ({"classes": [[np.nan]]}, "'newlabels' does not hold whole numbers"),
        ({"classes": [["cow"]]}, "'newlabels' does not hold whole numbers"),
        ({"segments": [[-1, 2]]}, "'newseg' holds negative numbers"),
        ({"segments": [[np.inf, 2]]}, "'newseg' does not hold whole numbers"),
        ({"segments": np.ones((2, 3, 4))}, "'newseg' is no picture but has the shape 2x3x4"),
        ({"segments": np.zeros((0, 4))}, "'newseg' is no picture"),
    ],
)
def test_whatever_is_no_such_label_is_one_clear_error(tmp_path, change, message):
    with pytest.raises(ImageError, match=message):
        read_segment_label(write(tmp_path / "a.mat", **change), 23, 255)


def test_files_that_cannot_be_read_are_one_clear_error_each(tmp_path):
    whole = write(tmp_path / "whole.mat", np.arange(900).reshape(30, 30)).read_bytes()
    for name, content in {
        "empty": b"",
        "text": b"not MATLAB at all",
        "cut": whole[:700],
        "header": whole[:128],
    }.items():
        path = tmp_path / f"{name}.mat"
        path.write_bytes(content)
        with pytest.raises(ImageError, match=f"{name}.mat"):
            read_segment_label(path, 23, 255)
    with pytest.raises(ImageError, match="not found"):
        read_segment_label(tmp_path / "none.mat", 23, 255)
    savemat(tmp_path / "other.mat", {"newseg": np.ones((3, 3))})
    with pytest.raises(ImageError, match="no variable 'newlabels'"):
        read_segment_label(tmp_path / "other.mat", 23, 255)


def test_the_newer_format_is_named(tmp_path):
    header = b"MATLAB 7.3 MAT-file".ljust(124) + (0x0200).to_bytes(2, "little") + b"IM"
    (tmp_path / "new.mat").write_bytes(header + b"\x89HDF\r\n\x1a\n" + bytes(512))
    with pytest.raises(ImageError, match=r"version 7\.3.*-v7"):
        read_segment_label(tmp_path / "new.mat", 23, 255)
