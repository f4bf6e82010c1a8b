import pytest
import torch

from retseg.core.errors import RetsegError
from retseg.training.running_loss import RunningLoss

CPU = torch.device("cpu")


def test_the_mean_is_over_patches():
    running = RunningLoss(1, CPU)
    running.add(torch.tensor(1.0), 0, 3)
    running.add(torch.tensor(5.0), 1, 1)
    assert running.mean() == 2.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_the_first_step_that_diverged_is_named(bad):
    running = RunningLoss(4, CPU)
    for step, value in enumerate([1.0, bad, 1.0, float("nan")]):
        running.add(torch.tensor(value), step, 2)
    with pytest.raises(RetsegError, match=r"epoch 4, step 2\b.*train\.lr"):
        running.mean()
