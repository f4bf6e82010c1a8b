import pickle

import pytest
import torch
from safetensors.torch import save_file

from retseg.core.errors import CheckpointError, ConfigError
from retseg.training.resume import Checkpoint, CheckpointWriter, read_checkpoint, require_same_configuration


def checkpoint(value=1.0):
    tensors = {
        "net/weight": torch.full((2, 3, 4, 4), value).contiguous(memory_format=torch.channels_last),
        "net/count": torch.tensor(7),
        "optimiser/0/step": torch.tensor(3.0),
    }
    return Checkpoint({"train": {"lr": 0.1, "epochs": 3}, "seed": 1}, {"epoch": 2, "loss": 0.1 + 0.2}, tensors)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "last.ckpt"
    path.write_bytes(checkpoint().encode())
    return path


def test_what_goes_in_comes_out(path):
    found = read_checkpoint(path)
    assert found.configuration == checkpoint().configuration
    assert found.progress == {"epoch": 2, "loss": 0.1 + 0.2}
    assert {name: value.tolist() for name, value in found.tensors.items()} == {
        name: value.tolist() for name, value in checkpoint().tensors.items()
    }


def test_any_damage_is_noticed(path):
    whole = path.read_bytes()
    for place in (0, 12, 60, len(whole) // 2, len(whole) - 1):
        damaged = bytearray(whole)
        damaged[place] ^= 0x41
        path.write_bytes(bytes(damaged))
        with pytest.raises(CheckpointError):
            read_checkpoint(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError, match="corrupted or foreign"):
        read_checkpoint(path)


def test_a_pickle_is_refused_without_being_run(path, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "evil"), "w"))

    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    torch.save({"net": Evil()}, path)
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    assert not (tmp_path / "evil").exists()


def test_foreign_safetensors_are_refused(path):
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="not a training checkpoint"):
        read_checkpoint(path)


def test_differing_keys_are_named(path):
    same = {"seed": 1, "train": {"epochs": 3, "lr": 0.1}}
    require_same_configuration(path, checkpoint().configuration, same)
    other = {"seed": 2, "train": {"epochs": 3, "lr": 0.1, "batch": 4}}
    with pytest.raises(ConfigError) as caught:
        require_same_configuration(path, checkpoint().configuration, other)
    assert "seed (was 1, is 2)" in caught.value.line
    assert "train.batch (was None, is 4)" in caught.value.line
    assert "train.lr" not in caught.value.line


def test_tuples_and_lists_are_the_same_configuration(path):
    require_same_configuration(path, {"weights": [1, 2]}, {"weights": (1, 2)})


def test_the_writer_waits_but_forgets_nothing(tmp_path):
    path = tmp_path / "last.ckpt"
    writer = CheckpointWriter(path, seconds=1000)
    assert not writer.offer(checkpoint(1.0))
    assert not writer.offer(checkpoint(2.0))
    assert not path.exists()
    writer.flush()
    assert read_checkpoint(path).tensors["net/weight"].max() == 2
    assert writer.offer(checkpoint(3.0), now=True)
    assert read_checkpoint(path).tensors["net/weight"].max() == 3
    path.unlink()
    writer.flush()
    assert not path.exists()


def test_the_state_is_taken_when_it_is_offered(tmp_path):
    some = checkpoint(1.0)
    writer = CheckpointWriter(tmp_path / "last.ckpt", seconds=1000)
    writer.offer(some)
    some.tensors["net/weight"].fill_(9.0)
    writer.flush()
    assert read_checkpoint(tmp_path / "last.ckpt").tensors["net/weight"].max() == 1
