import pytest
import torch
from torch import nn

from retseg.training.config import TrainConfig
from retseg.training.optim import MovingAverage, build_optimiser, set_learning_rates
from retseg.training.schedule import Rates


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))


@pytest.mark.parametrize("name", ["adam", "adamw", "muon", "sgd"])
def test_biases_and_normalisations_do_not_decay(name):
    model = net()
    optimiser = build_optimiser(model, TrainConfig(optimiser=name, weight_decay=0.1))
    decay = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    assert {key: decay[id(p)] for key, p in model.named_parameters()} == {
        "0.weight": 0.1, "0.bias": 0.0, "1.weight": 0.0, "1.bias": 0.0, "3.weight": 0.1, "3.bias": 0.0,
    }  # fmt: skip


def test_a_net_without_biases_has_no_empty_group():
    assert len(build_optimiser(nn.Conv2d(3, 4, 3, bias=False), TrainConfig()).param_groups) == 1


def test_either_part_gets_its_rate():
    model = net()
    optimiser = build_optimiser(model, TrainConfig(), encoder=("0.", "1."))
    set_learning_rates(optimiser, Rates(0.25, 0.5))
    rate = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    assert {key: rate[id(p)] for key, p in model.named_parameters()} == {
        "0.weight": 0.5, "0.bias": 0.5, "1.weight": 0.5, "1.bias": 0.5, "3.weight": 0.25, "3.bias": 0.25,
    }  # fmt: skip


def test_the_average_forgets_its_beginning_and_then_moves_slowly():
    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(100.0)
    average = MovingAverage(model, 0.99)
    with torch.no_grad():
        model.weight.fill_(1.0)
    average.update(model, 0)
    assert average.net.weight.item() == pytest.approx(100 * 0.1 + 0.9)
    for step in range(1, 3000):
        average.update(model, step)
    assert average.net.weight.item() == pytest.approx(1.0, abs=1e-4)
    with torch.no_grad():
        model.weight.fill_(2.0)
    average.update(model, 3000)
    assert average.net.weight.item() == pytest.approx(1.01, abs=1e-4)


def test_the_average_takes_running_statistics_too():
    model = net()
    average = MovingAverage(model, 0.5)
    model(torch.rand(4, 3, 8, 8) + 3)
    average.update(model, 100)
    assert average.net[1].num_batches_tracked == 1
    assert torch.allclose(average.net[1].running_mean, model[1].running_mean / 2)
    assert not any(p.requires_grad for p in average.net.parameters())
