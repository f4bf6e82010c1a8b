from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from retseg.core.errors import CheckpointError, ConfigError, ImageError, InputError
from retseg.core.types import Classes, ClassInfo
from retseg.datasets.base import VESSELS
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.checkpoint import load_weights, read_card
from retseg.inference.config import PredictConfig
from retseg.inference.method_predictor import (
    METHOD_FILE,
    MethodPredictor,
    TunedMethod,
    load_method,
    read_method_card,
    save_method,
)
from tests.conftest import fundus

CARD = Card("sato", {"diameter": 90}, VESSELS, InputConfig(), PredictConfig(), dataset="little", train_patients=("p",))
SCENE = Classes("scene", tuple(ClassInfo(name, (i, i, i)) for i, name in enumerate(("sky", "sea", "sand"))))


def test_a_tuned_method_survives_the_disk(tmp_path):
    arrays = {"shares": np.arange(12, dtype=np.float32).reshape(3, 2, 2)}
    save_method(tmp_path, TunedMethod(CARD, arrays))
    loaded = load_method(tmp_path / METHOD_FILE)
    assert loaded.card == CARD
    assert np.array_equal(loaded.fitted["shares"], arrays["shares"])


def test_a_method_without_fitted_arrays_has_none(tmp_path):
    save_method(tmp_path, TunedMethod(CARD))
    assert load_method(tmp_path / METHOD_FILE).fitted is None
    assert read_card(tmp_path / METHOD_FILE) == CARD


def test_a_method_is_no_weights_file(tmp_path):
    import torch

    save_method(tmp_path, TunedMethod(CARD))
    with pytest.raises(CheckpointError, match="tuned method"):
        load_weights(tmp_path / METHOD_FILE, torch.device("cpu"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 99}'])
def test_a_broken_card_is_explained(tmp_path, text):
    (tmp_path / METHOD_FILE).write_text(text)
    with pytest.raises(CheckpointError, match="card"):
        read_method_card(tmp_path / METHOD_FILE)
    with pytest.raises(InputError):
        read_method_card(tmp_path / "none" / METHOD_FILE)


def test_broken_arrays_are_explained(tmp_path):
    save_method(tmp_path, TunedMethod(CARD, {"shares": np.zeros(3, np.float32)}))
    (tmp_path / "fitted.safetensors").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="safetensors"):
        load_method(tmp_path / METHOD_FILE)


def test_many_are_predicted_in_order_and_as_one_by_one():
    predictor = MethodPredictor(TunedMethod(CARD))
    images = [fundus(seed) for seed in range(3)]
    fields = [image.max(2) > 20 for image in images]
    given = [(f"eye{i}", image, fov) for i, (image, fov) in enumerate(zip(images, fields, strict=True))]
    found = list(predictor.probabilities_of_many(given))
    assert [p.id for p in found] == ["eye0", "eye1", "eye2"]
    for prediction, image, fov in zip(found, images, fields, strict=True):
        assert np.array_equal(prediction.probabilities, predictor.probabilities(image, fov))
        assert prediction.probabilities.dtype == np.float32
        np.testing.assert_allclose(prediction.probabilities.sum(0), 1, atol=1e-6)
        assert (prediction.probabilities[VESSELS.outside] == ~fov).all()


def test_the_class_table_decides_which_channel_has_the_score():
    swapped = replace(VESSELS, items=VESSELS.items[::-1], positive=1, outside=2)
    image = fundus(0)
    fov = image.max(2) > 20
    plain = MethodPredictor(TunedMethod(CARD)).probabilities(image, fov)
    found = MethodPredictor(TunedMethod(replace(CARD, classes=swapped))).probabilities(image, fov)
    assert np.array_equal(found, plain[::-1])


def test_a_task_without_a_positive_class_is_refused():
    with pytest.raises(ConfigError, match="no positive class"):
        MethodPredictor(TunedMethod(replace(CARD, classes=SCENE)))


def test_a_wrong_field_of_view_names_the_photograph():
    with pytest.raises(ImageError, match="eye7"):
        list(MethodPredictor(TunedMethod(CARD)).probabilities_of_many([("eye7", fundus(0), np.ones((5, 5), bool))]))


def test_arrays_of_another_class_table_are_refused():
    card = replace(CARD, arch="frequency", options={})
    predictor = MethodPredictor(TunedMethod(card, {"shares": np.ones((5, 4, 4), np.float32)}))
    with pytest.raises(ConfigError, match="another class table"):
        predictor.probabilities(fundus(0), np.ones((96, 96), bool))


def test_a_method_needs_no_torch():
    code = (
        "import sys\n"
        "import retseg.stages.predict, retseg.stages.tune, retseg.inference.method_predictor\n"
        "from retseg.methods.registry import METHODS\n"
        "[METHODS.get(name) for name in METHODS.names()]\n"
        "assert 'torch' not in sys.modules and 'monai' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_file_is_readable_by_people(tmp_path):
    save_method(tmp_path, TunedMethod(CARD))
    assert json.loads((tmp_path / METHOD_FILE).read_text())["arch"] == "sato"
