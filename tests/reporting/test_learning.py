from __future__ import annotations

import base64
import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retseg.core.errors import InputError
from retseg.reporting.learning import learning_chapter
from retseg.reporting.run_files import RunFolders, RunRecord, read_run

GREY = np.full((120, 2400, 3), 128, np.uint8)


def taught(folders: RunFolders, where: Path, grid: np.ndarray = GREY, whose: str = "validation") -> RunFolders:
    """The same run with snapshots in a folder of its own."""
    assert folders.train is not None
    folder = shutil.copytree(folders.train, where / folders.name)
    Image.fromarray(grid).save(folder / "snapshots.png")
    return replace(folders, train=folder)


def record_of(folders: RunFolders, whose: str = "validation") -> RunRecord:
    record = read_run(folders)
    assert record.train is not None
    facts = {**record.train.facts, "snapshots": [1, 16, 32], "snapshots_of": whose}
    return replace(record, train=replace(record.train, facts=facts))


def test_the_grid_is_in_the_page_with_its_epochs_in_words(vessels, tmp_path: Path) -> None:
    chapter = learning_chapter([record_of(taught(vessels[1][0], tmp_path)), read_run(vessels[1][1])])
    assert chapter is not None
    (panel,) = chapter.panels
    assert panel.alt == "A few photographs, their references, and what good made of them after epochs 1, 16 and 32"
    picture = Image.open(io.BytesIO(base64.b64decode(panel.source.partition(",")[2])))
    assert picture.size == (panel.width, panel.height) == (1800, 90)
    assert abs(np.asarray(picture).astype(int) - 128).max() <= 2
    assert "set aside" in " ".join(chapter.remarks)


def test_photographs_of_the_training_are_named_as_such(vessels, tmp_path: Path) -> None:
    chapter = learning_chapter([record_of(taught(vessels[1][0], tmp_path), "train")])
    assert chapter is not None
    assert "is no test" in " ".join(chapter.remarks)


def test_without_snapshots_there_is_no_chapter(vessels) -> None:
    assert learning_chapter([read_run(one) for one in vessels[1]]) is None


def test_many_grids_are_folded_and_smaller(many, tmp_path: Path, draw) -> None:
    systems = [taught(one, tmp_path) for one in many[1]]
    chapter = learning_chapter([read_run(one) for one in systems])
    assert chapter is not None
    assert chapter.panels == ()
    assert [panel.caption for panel in chapter.folded_panels] == [one.name for one in systems]
    assert {panel.width for panel in chapter.folded_panels} == {1200}
    page = draw(systems, many[0])
    assert "#learning" in {link["href"] for link in page.all("a")}
    assert len({image["alt"] for image in page.all("img")}) == len(page.all("img"))


def test_a_spoilt_grid_is_named(vessels, tmp_path: Path) -> None:
    folders = taught(vessels[1][0], tmp_path)
    assert folders.train is not None
    (folders.train / "snapshots.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"snapshots\.png"):
        learning_chapter([read_run(folders)])
