import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score
from torch import nn

from retseg.core.types import Classes, ClassInfo
from retseg.imaging.config import InputConfig
from retseg.losses.config import LossConfig
from retseg.models.config import ModelConfig
from retseg.training.images import TrainingImages
from retseg.training.objective import Objective
from retseg.training.precision import Precision
from retseg.training.validation import TILE, Validator, validation_tiles

CPU = torch.device("cpu")


class Pixelwise(nn.Module):
    """A net without a neighbourhood: the darker in green, the more vessel."""

    def __init__(self, classes=3):
        super().__init__()
        self.classes = classes

    def forward(self, image):
        logits = torch.zeros(len(image), self.classes, *image.shape[2:])
        logits[:, 1] = 3 - 8 * image[:, 1]
        return logits


def validator(images, limit=64, multiple=16):
    objective = Objective.of(ModelConfig(), LossConfig(name="cross-entropy"), images.classes)
    return Validator(images, objective, multiple, limit, Precision(CPU, mixed=False))


def pixels(images):
    """Probability of the positive class and truth of every pixel inside the field of view."""
    scores, truths = [], []
    for image, label in zip(images.images, images.labels, strict=True):
        logits = Pixelwise()(image.permute(2, 0, 1)[None] / 255)
        inside = label != images.classes.outside
        scores.append(logits.softmax(1)[0, 1][inside])
        truths.append(label[inside] == images.classes.positive)
    return torch.cat(scores).numpy(), torch.cat(truths).numpy()


def test_scores_are_those_of_all_pixels_inside_the_field_of_view(images):
    found = validator(images).scores(Pixelwise())
    score, truth = pixels(images)
    best = max(f1_score(truth, score > threshold) for threshold in np.linspace(0.02, 0.98, 200))
    assert found.auc == pytest.approx(roc_auc_score(truth, score), abs=1e-4)
    assert found.dice == pytest.approx(best, abs=2e-3)
    assert found.dice >= best - 1e-9


def test_the_loss_counts_each_image_without_its_padding(make_set, make_case):
    prepared = make_set([make_case("a", "p1", "train", (64, 64))])
    loaded = TrainingImages.load(prepared, prepared.samples, InputConfig(normalise="unit", crop=False), CPU)
    image, label = loaded.images[0].permute(2, 0, 1)[None] / 255, loaded.labels[0][None].long()
    expected = nn.functional.cross_entropy(Pixelwise()(image), label).item()
    assert validator(loaded, multiple=24).scores(Pixelwise()).loss == pytest.approx(expected, rel=1e-5)


def test_scores_do_not_depend_on_what_was_scored_before(images):
    judge, net = validator(images), nn.Conv2d(3, 3, 3, padding=1)
    assert judge.scores(net) == judge.scores(net)


def test_without_a_positive_class_the_mean_dice_of_occurring_classes_counts(scenes):
    loaded = TrainingImages.load(scenes, scenes.split("train"), InputConfig(normalise="unit", crop=False), CPU)

    class Always(nn.Module):
        def forward(self, image):
            logits = torch.zeros(len(image), 4, *image.shape[2:])
            logits[:, 1] = 1.0
            return logits

    counted = 72 * 64 - 64
    share = 24 * 64
    found = validator(loaded, multiple=8).scores(Always())
    assert found.dice == pytest.approx(2 * share / (counted + share) / 3)
    assert found.auc is None


def test_no_pixel_of_the_positive_class_gives_no_score(make_set, make_case):
    case = make_case("a", "p1", "train")
    case.targets["classes"][case.targets["classes"] == 1] = 2
    prepared = make_set([case])
    loaded = TrainingImages.load(prepared, prepared.samples, InputConfig(), CPU)
    assert validator(loaded).scores(Pixelwise())[1:] == (None, None)


def blank(sizes):
    classes = Classes("two", (ClassInfo("a", (0, 0, 0)), ClassInfo("b", (1, 1, 1))))
    count = len(sizes)
    return TrainingImages(
        samples=(),
        images=tuple(torch.zeros((*size, 3), dtype=torch.uint8) for size in sizes),
        targets=tuple(torch.zeros((1, *size), dtype=torch.uint8) for size in sizes),
        mean=torch.zeros(count, 3), std=torch.ones(count, 3), classes=classes, device=CPU, store=CPU, digest=0,
    )  # fmt: skip


@pytest.mark.parametrize("size", [(540, 541), (20, 700), (256, 256), (257, 10), (1, 1)])
def test_tiles_cover_every_pixel_once(size):
    for tiles in validation_tiles(blank([size]), 16, 1000):
        seen = np.zeros((2000, 2000), int)
        for top, left in zip(tiles.patches.top, tiles.patches.left, strict=True):
            seen[top : top + tiles.side, left : left + tiles.side] += 1
        assert (seen[: size[0], : size[1]] == 1).all()
        assert tiles.side % 16 == 0
        assert tiles.side <= TILE


def test_a_limit_takes_tiles_of_all_images():
    tiles = validation_tiles(blank([(1000, 1000)] * 3), 16, 10)
    assert sum(len(part.patches) for part in tiles) == 10
    assert sorted({int(part.patches.image[0]) for part in tiles}) == [0, 1, 2]
