from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from retseg.core.errors import CheckpointError, InputError
from retseg.core.types import Classes, ClassInfo
from retseg.datasets.base import VESSELS
from retseg.inference.checkpoint import CARD_KEY, load_weights, read_card, save_weights
from retseg.models.registry import MODELS

CPU = torch.device("cpu")


@pytest.fixture
def weights(tmp_path, make_model):
    model = make_model()
    path = tmp_path / "best.safetensors"
    save_weights(path, model.net, model.card)
    return path


def rewritten(path, *, card=None, tensors=None):
    """The weights file with another card (a function of its JSON) or other tensors (a function of them)."""
    data = read_card(path).to_json()
    kept = load_file(path)
    save_file(tensors(kept) if tensors else kept, path, {CARD_KEY: json.dumps(card(data) if card else data)})
    return path


@pytest.mark.parametrize("arch", MODELS.names())
def test_what_is_saved_comes_back(tmp_path, make_model, arch):
    model = make_model(arch=arch, options={})
    path = tmp_path / "deep" / "best.safetensors"
    save_weights(path, model.net, model.card)
    loaded = load_weights(path, CPU, expect=VESSELS)
    assert loaded.card == model.card == read_card(path)
    assert not loaded.net.training
    assert not any(parameter.requires_grad for parameter in loaded.net.parameters())
    probe = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(loaded.net(probe), model.net(probe), atol=0, rtol=0)
    assert [file.name for file in path.parent.iterdir()] == ["best.safetensors"]


def test_saving_does_not_touch_the_net(tmp_path, make_model):
    model = make_model()
    model.net.train()
    before = {name: tensor.clone() for name, tensor in model.net.state_dict().items()}
    save_weights(tmp_path / "w.safetensors", model.net, model.card)
    assert model.net.training
    for name, tensor in model.net.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_tied_weights_are_saved(tmp_path, make_card):
    tied = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    tied["b"].weight = tied["a"].weight
    save_weights(tmp_path / "w.safetensors", tied, make_card())
    assert set(load_file(tmp_path / "w.safetensors")) == {"a.weight", "a.bias", "b.weight", "b.bias"}


@pytest.mark.parametrize("kept", [0, 1, 7, 100, 0.5, 0.99])
def test_a_truncated_file(weights, kept):
    content = weights.read_bytes()
    weights.write_bytes(content[: kept if isinstance(kept, int) else int(len(content) * kept)])
    with pytest.raises(CheckpointError, match=r"corrupted.*best\.safetensors.*retseg train"):
        load_weights(weights, CPU)


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_other_bytes(tmp_path, content):
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        load_weights(path, CPU)


def test_a_pickle_is_refused_and_never_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("exploded").touch, ())

    old, new = tmp_path / "old.pt", tmp_path / "new.pt"
    old.write_bytes(pickle.dumps(Bomb()))
    torch.save({"net": Bomb()}, new)
    for path in (old, new):
        with pytest.raises(CheckpointError, match="pickled"):
            load_weights(path, CPU)
    assert not (tmp_path / "exploded").exists()


def test_safetensors_of_someone_else(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="no card"):
        load_weights(path, CPU)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match="not found"):
        load_weights(tmp_path / "none.safetensors", CPU)
    with pytest.raises(InputError, match="a folder"):
        read_card(tmp_path)


def test_another_format_version(weights):
    rewritten(weights, card=lambda data: data | {"format": 99, "new": "things"})
    with pytest.raises(CheckpointError, match=r"version 99.*reads version 1"):
        load_weights(weights, CPU)


@pytest.mark.parametrize(
    "broken", [[], {}, {"format": 1}, {"format": 1, "operating_point": None, "arch": "unet"}], ids=str
)
def test_a_broken_card(weights, broken):
    rewritten(weights, card=lambda data: broken)
    with pytest.raises(CheckpointError, match="card cannot be read"):
        load_weights(weights, CPU)


def test_an_unknown_architecture(weights):
    rewritten(weights, card=lambda data: data | {"arch": "unett"})
    with pytest.raises(CheckpointError, match=r"unett.*Did you mean.*unet"):
        load_weights(weights, CPU)


def test_unknown_options(weights):
    rewritten(weights, card=lambda data: data | {"options": {"colour": "red"}})
    with pytest.raises(CheckpointError, match="colour"):
        load_weights(weights, CPU)


def test_other_shapes_and_names_are_listed(weights):
    rewritten(weights, card=lambda data: data | {"options": {"width": 8, "depth": 2}})
    with pytest.raises(CheckpointError, match=r"of another shape \(.* is \(4, 3, 3, 3\) instead of \(8, 3, 3, 3\)"):
        load_weights(weights, CPU)


def test_missing_and_unknown_tensors_are_listed(weights):
    gone = sorted(load_file(weights))[0]

    def renamed(tensors):
        return {("strange" if name == gone else name): tensor for name, tensor in tensors.items()}

    rewritten(weights, tensors=renamed)
    with pytest.raises(CheckpointError, match=rf"1 missing \({gone}\); 1 unknown \(strange\)"):
        load_weights(weights, CPU)


def test_weights_that_are_not_numbers(weights):
    rewritten(weights, tensors=lambda tensors: {name: tensor * torch.nan for name, tensor in tensors.items()})
    with pytest.raises(CheckpointError, match="not finite"):
        load_weights(weights, CPU)


@pytest.mark.parametrize(
    "other",
    [
        Classes("two", (ClassInfo("background", (0, 0, 0)), ClassInfo("vessel", (9, 9, 9))), positive=1),
        replace(VESSELS, positive=2),
        replace(VESSELS, outside=None),
    ],
    ids=["table", "positive", "outside"],
)
def test_other_classes_than_the_data(weights, other):
    with pytest.raises(CheckpointError, match=r"trained for the classes.*vessel"):
        load_weights(weights, CPU, expect=other)


def test_other_colours_are_no_other_classes(weights):
    repainted = replace(VESSELS, items=tuple(replace(item, colour=(1, 2, 3)) for item in VESSELS.items))
    assert load_weights(weights, CPU, expect=repainted).card.arch == "unet"
