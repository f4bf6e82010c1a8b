from __future__ import annotations

import hashlib

import pytest

from retseg.core.errors import InputError
from retseg.core.manifest import Manifest, content_key, file_digests, folder_digests, provenance


def test_round_trip(tmp_path):
    manifest = Manifest(
        "train", 1, "k", {"a": 1}, {"b": "c"}, {"x.png": "d"}, provenance(seed=3, device="cpu", seconds=1)
    )
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest
    assert Manifest.find(tmp_path / "nothing") is None


def test_the_key_changes_with_each_of_its_parts_and_with_nothing_else():
    key = content_key("train", 1, {"a": 1, "b": 2}, {"x": "1"})
    assert key == content_key("train", 1, {"b": 2, "a": 1}, {"x": "1"})
    others = [
        content_key("predict", 1, {"a": 1, "b": 2}, {"x": "1"}),
        content_key("train", 2, {"a": 1, "b": 2}, {"x": "1"}),
        content_key("train", 1, {"a": 1, "b": 3}, {"x": "1"}),
        content_key("train", 1, {"a": 1, "b": 2}, {"x": "2"}),
    ]
    assert len({key, *others}) == 5


def test_digests_are_sha256_and_leave_out_hidden_files(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(b"abc")
    (tmp_path / ".lock").write_bytes(b"")
    (tmp_path / "manifest.json").write_bytes(b"")
    expected = {"sub/a": hashlib.sha256(b"abc").hexdigest()}
    assert folder_digests(tmp_path) == expected
    assert file_digests([tmp_path / "sub" / "a", tmp_path / "missing"], tmp_path) == expected


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"stage": 1}'])
def test_a_damaged_manifest_is_explained(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json cannot be read"):
        Manifest.read(tmp_path)
    assert Manifest.find(tmp_path) is None


def test_a_missing_manifest_is_explained(tmp_path):
    with pytest.raises(InputError, match="no finished result of retseg"):
        Manifest.read(tmp_path)
