import pytest
import torch
from torch import nn

from retseg.training.config import TrainConfig
from retseg.training.muon import is_matrix, orthogonalised
from retseg.training.optim import build_optimiser


@pytest.mark.parametrize("shape", [(16, 144), (144, 16), (32, 32)])
def test_orthogonalised_keeps_the_directions_and_evens_out_their_sizes(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    # Sizes from 1 to 50, as one direction dominates gradients.
    left, sizes, right = torch.linalg.svd(matrix, full_matrices=False)
    sizes = torch.linspace(50, 1, len(sizes))
    found = orthogonalised(left @ torch.diag(sizes) @ right)
    inner = left.T @ found @ right.T
    assert torch.allclose(inner, torch.diag(inner.diagonal()), atol=1e-4)
    assert ((inner.diagonal() > 0.5) & (inner.diagonal() < 1.3)).all()


def test_only_weights_between_many_channels_are_matrices():
    net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 3), nn.Conv2d(16, 16, 3, groups=16), nn.Conv2d(16, 2, 1))
    assert [is_matrix(p) for p in net.parameters()] == [False, False, True, False, False, False, False, False]


def test_a_step_is_as_large_as_one_of_adamw_and_decays_alike():
    torch.manual_seed(0)
    net = nn.Conv2d(64, 64, 3)
    before = net.weight.detach().clone()
    optimiser = build_optimiser(net, TrainConfig(optimiser="muon", lr=0.1, weight_decay=0.5))
    net(torch.randn(2, 64, 8, 8)).square().sum().backward()
    gradient = net.weight.grad.clone()
    optimiser.step()
    change = net.weight.detach() - before * (1 - 0.1 * 0.5)
    assert change.square().mean().sqrt() == pytest.approx(0.1 * 0.2, rel=0.25)
    assert (change * gradient).sum() < 0, "downhill"
    assert torch.equal(net.weight.grad, gradient), "gradients stay for who looks at them"
