import pytest
import torch

from retseg.training.config import TrainConfig
from retseg.training.precision import Precision


@pytest.mark.parametrize(
    ("asked", "dtype"), [("auto", torch.float32), ("off", torch.float32), ("bf16", torch.bfloat16)]
)
def test_a_processor_computes_in_full_precision_unless_asked(asked, dtype):
    precision = Precision.choose(TrainConfig(mixed_precision=asked), torch.device("cpu"))
    with precision.autocast():
        assert (torch.rand(4, 4) @ torch.rand(4, 4)).dtype == dtype
    assert precision.name == {torch.float32: "fp32", torch.bfloat16: "bf16"}[dtype]
