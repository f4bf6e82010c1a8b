from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from retseg.core.errors import CheckpointError, InputError, OutputError
from retseg.models.architecture import PublishedEncoder
from retseg.models.published_weights import fetch

CONTENT = b"weights" * 300_000


def published(url: str, content: bytes = CONTENT) -> PublishedEncoder:
    return PublishedEncoder(url, hashlib.sha256(content).hexdigest()[:8], 2, ("fc.weight",), "nobody")


@pytest.fixture
def offered(tmp_path: Path) -> PublishedEncoder:
    """A file at an address that needs no network."""
    file = tmp_path / "server" / "net.pth"
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    return published(file.as_uri())


def test_fetches_once_and_then_takes_its_copy(offered: PublishedEncoder, tmp_path: Path) -> None:
    path = fetch(offered, tmp_path / "cache")
    assert path == tmp_path / "cache" / "net.pth"
    assert path.read_bytes() == CONTENT
    (tmp_path / "server" / "net.pth").unlink()
    assert fetch(offered, tmp_path / "cache") == path
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["net.pth"]


def test_without_a_folder_it_shares_the_one_of_torch(
    offered: PublishedEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    assert fetch(offered) == tmp_path / "torch" / "hub" / "checkpoints" / "net.pth"


def test_another_file_at_the_address_is_refused_and_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "net.pth"
    file.write_bytes(CONTENT[:-1])
    with pytest.raises(CheckpointError, match="not the published file, or not all of it") as caught:
        fetch(published(file.as_uri()), tmp_path / "cache")
    assert hashlib.sha256(CONTENT).hexdigest()[:8] in caught.value.line
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_damaged_copy_is_refused_and_left_for_its_owner_to_delete(offered: PublishedEncoder, tmp_path: Path) -> None:
    copy = tmp_path / "cache" / "net.pth"
    copy.parent.mkdir()
    copy.write_bytes(b"something else")
    with pytest.raises(CheckpointError, match="Delete it and run the same command again"):
        fetch(offered, tmp_path / "cache")
    assert copy.read_bytes() == b"something else"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/net.pth", "file:///no/such/server/net.pth"])
def test_without_a_network_both_ways_out_are_named(address: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be fetched") as caught:
        fetch(published(address), tmp_path)
    assert address in caught.value.line
    assert "--encoder-weights FILE" in caught.value.line
    assert "train without --encoder-weights" in caught.value.line
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_from_a_missing_network(
    offered: PublishedEncoder, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be stored"):
        fetch(offered, tmp_path / "file" / "cache")
