import numpy as np
import torch
from PIL import Image
from torch import nn

from retseg.imaging.config import InputConfig
from retseg.training.images import TrainingImages
from retseg.training.snapshot_taker import SnapshotTaker


class Blank(nn.Module):
    """Says the same of every pixel."""

    def forward(self, x):
        return torch.zeros(len(x), 3, *x.shape[2:])


def test_small_photographs_are_shown_whole_and_without_a_border(vessels, tmp_path):
    loaded = TrainingImages.load(vessels, vessels.split("train"), InputConfig(crop=False), torch.device("cpu"))
    taker = SnapshotTaker(loaded, 16, tmp_path)
    assert taker.side == 96, "no larger than the largest photograph needs"
    taker.take(Blank(), 1)
    assert taker.finish() == [1]
    for name, image in zip(loaded.ids[:4], loaded.images, strict=False):
        shown = np.asarray(Image.open(tmp_path / f"snapshots/photograph/{name}.png"))
        assert np.array_equal(shown, image.numpy())
        truth = Image.open(tmp_path / f"snapshots/truth/{name}.png")
        guess = Image.open(tmp_path / f"snapshots/epoch-0001/{name}.png")
        assert truth.size == guess.size == (image.shape[1], image.shape[0])
