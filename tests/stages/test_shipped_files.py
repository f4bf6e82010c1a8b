"""The weights files in the package itself, however many there are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import retseg
from retseg.inference.checkpoint import load_weights
from retseg.stages.pack_model import MOST_BYTES

FOLDER = Path(retseg.__file__).parent / "inference" / "shipped"


def test_the_folder_says_what_it_is_for():
    assert "retseg models pack" in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.safetensors")), ids=lambda path: path.stem)
def test_a_shipped_file_is_small_and_tells_all_about_itself(path):
    assert path.stat().st_size <= MOST_BYTES
    model = load_weights(path, torch.device("cpu"))
    told = model.card.provenance
    assert told is not None
    assert told.name == path.stem
    assert told.credits
    assert told.licence
    assert told.config
    assert model.card.operating_point is not None


def test_the_default_model_has_figures_and_a_commit():
    told = load_weights(FOLDER / "default.safetensors", torch.device("cpu")).card.provenance
    assert told is not None
    assert told.git_commit
    assert told.results, "figures with intervals belong to a model that ships"
