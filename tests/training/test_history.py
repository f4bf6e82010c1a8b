import csv

import numpy as np
from PIL import Image

from retseg.training.history import Epoch, write_curves, write_history


def epochs(count, validated=True):
    return [
        Epoch(
            epoch=i,
            train_loss=1 / i,
            validation_loss=1.2 / i if validated else None,
            validation_dice=1 - 0.5 / i if validated else None,
            validation_auc=1 - 0.2 / i if validated else None,
            test_loss=None,
            learning_rate=1e-3,
            seconds=2.5 * i,
        )
        for i in range(1, count + 1)
    ]


def test_history_is_a_table_with_empty_fields_for_what_was_not_measured(tmp_path):
    write_history(tmp_path, epochs(2))
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "epoch", "train_loss", "validation_loss", "validation_dice", "validation_auc", "test_loss", "learning_rate",
        "seconds",
    ]  # fmt: skip
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["validation_dice"]) == 0.75
    assert rows[0]["test_loss"] == ""


def test_history_is_rewritten_whole(tmp_path):
    write_history(tmp_path, epochs(5))
    write_history(tmp_path, epochs(3))
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 4


def test_an_epoch_survives_json_to_the_last_digit():
    epoch = epochs(3)[-1]
    assert Epoch.from_json(epoch.to_json()) == epoch


def colours(path):
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    return {f"#{r:02X}{g:02X}{b:02X}" for r, g, b in np.unique(pixels, axis=0)}


def test_curves_are_drawn_in_colours_that_everyone_tells_apart(tmp_path):
    write_curves(tmp_path, epochs(9), 7, "unet on a set")
    assert {"#0072B2", "#D55E00"} <= colours(tmp_path / "curves.png")


def test_one_epoch_without_validation_still_makes_a_picture(tmp_path):
    write_curves(tmp_path, epochs(1, validated=False), 1, "unet on a set")
    seen = colours(tmp_path / "curves.png")
    assert "#0072B2" in seen
    assert "#D55E00" not in seen
