import pytest
import torch

from retseg.training import precision as precision_module
from retseg.training.config import TrainConfig
from retseg.training.precision import Precision


@pytest.mark.parametrize(
    ("asked", "able", "dtype"),
    [
        ("auto", False, torch.float32),
        ("auto", True, torch.bfloat16),
        ("off", True, torch.float32),
        ("bf16", False, torch.bfloat16),
    ],
)
def test_a_device_that_computes_bfloat16_does_so_unless_told_otherwise(asked, able, dtype, monkeypatch):
    monkeypatch.setattr(precision_module, "computes_bfloat16", lambda device: able)
    precision = Precision.choose(TrainConfig(mixed_precision=asked), torch.device("cpu"))
    with precision.autocast():
        assert (torch.rand(4, 4) @ torch.rand(4, 4)).dtype == dtype
    assert precision.name == {torch.float32: "fp32", torch.bfloat16: "bf16"}[dtype]
