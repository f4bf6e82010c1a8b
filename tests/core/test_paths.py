from __future__ import annotations

import os
from pathlib import Path

import pytest

from retseg.core.errors import OutputError
from retseg.core.paths import ensure_writable, explained_writes, write_atomically


def test_a_failed_write_leaves_the_old_content_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_atomically(path, "old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_named_as_such():
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OutputError, match="the disk is full.*goes on from where it was"), explained_writes(Path("/x")):
        with open("/dev/full", "w") as file:  # noqa: PTH123 (a device)
            file.write("x" * 100_000)


def test_a_file_in_the_place_of_a_folder_is_explained(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        ensure_writable(tmp_path / "a" / "b")


def test_no_permission_is_explained(tmp_path):
    if os.geteuid() == 0:
        with pytest.raises(OutputError, match="no permission to write"), explained_writes(tmp_path):
            raise PermissionError(13, "Permission denied", str(tmp_path))
        return
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="no permission to write"):
        ensure_writable(tmp_path / "b")


def test_other_errors_of_the_system_pass_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError), explained_writes(tmp_path):
        (tmp_path / "none").read_text()


def test_written_files_have_the_usual_permissions(tmp_path):
    write_atomically(tmp_path / "a", b"1")
    (tmp_path / "b").write_text("1")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode
