from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from retseg.core.errors import ConfigError
from retseg.datasets.registry import DATASETS, GENERATED, find_datasets


def chase_at(root: Path) -> Path:
    root.mkdir(parents=True)
    (root / "Image_01L.jpg").touch()
    return root


def hrf_at(root: Path) -> Path:
    (root / "images").mkdir(parents=True)
    (root / "images/01_dr.JPG").touch()
    return root


def test_the_built_in_sets_are_in_the_table():
    assert DATASETS.names()[:6] == ["drive", "chase", "stare", "hrf", "folder", GENERATED]


def test_an_unknown_set_gets_the_nearest_name():
    with pytest.raises(ConfigError, match="Did you mean chase"):
        DATASETS.get("chasse")


def test_sets_are_found_at_the_base_and_two_levels_below(tmp_path):
    assert find_datasets(chase_at(tmp_path / "a")) == {"chase": tmp_path / "a"}
    hrf = hrf_at(tmp_path / "b/unpacked/HRF")
    assert find_datasets(tmp_path / "b") == {"hrf": hrf}
    assert find_datasets(tmp_path) == {"chase": tmp_path / "a"}, "three levels below is too far"
    assert find_datasets(tmp_path / "missing") == {}


def test_several_sets_come_in_the_order_of_the_table_and_the_shallowest_counts(tmp_path):
    hrf_at(tmp_path / "a-hrf")
    chase_at(tmp_path / "a/CHASE")
    shallow = chase_at(tmp_path / "z-chase")
    assert list(find_datasets(tmp_path).items()) == [("chase", shallow), ("hrf", tmp_path / "a-hrf")]


def test_plain_folders_and_hidden_ones_are_never_claimed(tmp_path, studio):
    studio.photograph(tmp_path / "photos/a.jpg")
    studio.label(tmp_path / "photos/labels/a.png")
    chase_at(tmp_path / ".trash")
    assert find_datasets(tmp_path) == {}


def test_a_folder_that_must_not_be_read_is_passed_over(tmp_path, monkeypatch):
    chase_at(tmp_path / "open")
    (tmp_path / "closed").mkdir()
    real = Path.iterdir

    def refuse(self):
        if self.name == "closed":
            raise PermissionError(13, "no", str(self))
        return real(self)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert find_datasets(tmp_path) == {"chase": tmp_path / "open"}


def test_the_table_and_the_configuration_load_without_heavy_libraries():
    heavy = "torch monai skimage pandas matplotlib scipy"
    code = (
        "import sys, retseg.datasets.registry, retseg.datasets.config; "
        f"print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
