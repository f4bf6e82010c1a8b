import pytest
import torch

from retseg.training import precision as precision_module
from retseg.training.config import TrainConfig
from retseg.training.precision import Precision


@pytest.mark.parametrize(
    ("asked", "able", "dtype"),
    [
        ("auto", True, torch.float32),
        ("off", True, torch.float32),
        ("bf16", True, torch.bfloat16),
        ("bf16", False, torch.float32),
    ],
)
def test_a_cpu_computes_in_bfloat16_if_told_to_and_able(asked, able, dtype, monkeypatch):
    monkeypatch.setattr(precision_module, "computes_bfloat16", lambda device: able)
    precision = Precision.choose(TrainConfig(mixed_precision=asked), torch.device("cpu"))
    with precision.autocast():
        assert (torch.rand(4, 4) @ torch.rand(4, 4)).dtype == dtype
    assert precision.name == {torch.float32: "fp32", torch.bfloat16: "bf16"}[dtype]


def test_a_gpu_does_so_by_itself(monkeypatch):
    monkeypatch.setattr(precision_module, "computes_bfloat16", lambda device: device.type == "cuda")
    assert Precision.choose(TrainConfig(), torch.device("cuda")).mixed
    assert not Precision.choose(TrainConfig(mixed_precision="off"), torch.device("cuda")).mixed
