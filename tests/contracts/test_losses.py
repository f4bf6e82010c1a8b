"""What every registered loss must do, whoever wrote it."""

from __future__ import annotations

from typing import Protocol

import pytest
import torch
from torch import Tensor

from retseg.core.config import Section
from retseg.core.errors import ConfigError
from retseg.core.types import Classes, ClassInfo
from retseg.losses.config import LossConfig
from retseg.losses.deep import deeply_supervised
from retseg.losses.loss import Loss, LossFunction
from retseg.losses.registry import LOSSES, build_loss

IGNORE = 255

pytestmark = pytest.mark.parametrize("name", LOSSES.names())
for_class_counts = pytest.mark.parametrize("count", [2, 3, 23])


def table(count: int, ignore: int = IGNORE) -> Classes:
    return Classes("any", tuple(ClassInfo(f"class {i}", (i, i, i)) for i in range(count)), ignore=ignore)


class Make(Protocol):
    def __call__(self, name: str, count: int, weights: Tensor | None = None, ignore: int = IGNORE) -> LossFunction: ...


def alone(name: str, count: int, weights: Tensor | None = None, ignore: int = IGNORE) -> LossFunction:
    return build_loss(LossConfig(name=name), table(count, ignore), weights)


def on_two_predictions(name: str, count: int, weights: Tensor | None = None, ignore: int = IGNORE) -> LossFunction:
    loss = alone(name, count, weights, ignore)
    # Of the same size: a coarser prediction of ignored pixels reaches into their neighbours when it is enlarged.
    return lambda logits, target: deeply_supervised(loss, [logits, 0.9 * logits], target, share=0.5)


@pytest.fixture(params=[alone, on_two_predictions])
def make(request: pytest.FixtureRequest) -> Make:
    """The loss by itself, and the same loss under deep supervision."""
    builder: Make = request.param
    return builder


def labels(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, count, (2, 16, 24), generator=generator)


def random_logits(count: int, seed: int = 1) -> Tensor:
    return torch.randn(2, count, 16, 24, generator=torch.Generator().manual_seed(seed))


def sure_of(target: Tensor, count: int, certainty: float = 12.0) -> Tensor:
    """Logits that are certain of the labels, or with a negative certainty, of anything else."""
    return certainty * torch.nn.functional.one_hot(target.clamp(max=count - 1), count).movedim(-1, 1).float()


def test_describes_itself(name: str) -> None:
    loss = LOSSES.get(name)
    assert isinstance(loss, Loss)
    assert loss.name == name
    assert issubclass(loss.options, Section)
    assert len(loss.definition) > 20
    assert len(loss.citation) > 20


@for_class_counts
def test_perfect_is_below_random_is_below_inverted(make: Make, name: str, count: int) -> None:
    loss, target = make(name, count), labels(count)
    perfect = float(loss(sure_of(target, count), target))
    random = float(loss(random_logits(count), target))
    inverted = float(loss(sure_of(target, count, -12.0), target))
    assert 0 <= perfect < 0.01
    assert perfect + 0.1 < random
    assert random + 0.01 < inverted


@for_class_counts
def test_a_small_step_down_the_gradient_lowers_it(make: Make, name: str, count: int) -> None:
    loss, target = make(name, count), labels(count)
    logits = random_logits(count).requires_grad_()
    value = loss(logits, target)
    value.backward()
    gradient = logits.grad
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert gradient is not None
    assert bool(gradient.isfinite().all())
    assert float(gradient.norm()) > 1e-6
    step = 0.1 * gradient / gradient.norm()
    assert float(loss(logits.detach() - step, target)) < float(value.detach())


@for_class_counts
def test_ignored_pixels_carry_no_gradient_and_no_loss(make: Make, name: str, count: int) -> None:
    loss, target = make(name, count), labels(count)
    target[:, 4:9, 3:20] = IGNORE
    ignored = (target == IGNORE).unsqueeze(1).expand(-1, count, -1, -1)
    logits = random_logits(count).requires_grad_()
    value = loss(logits, target)
    value.backward()
    assert logits.grad is not None
    assert bool((logits.grad[ignored] == 0).all())
    assert bool((logits.grad[~ignored] != 0).any())
    other = logits.detach().clone()
    other[ignored] = 50 * torch.randn(int(ignored.sum()))
    torch.testing.assert_close(loss(other, target), value.detach())


def test_nothing_counted_gives_zero(make: Make, name: str) -> None:
    logits = random_logits(3).requires_grad_()
    value = make(name, 3)(logits, torch.full((2, 16, 24), IGNORE))
    value.backward()
    assert float(value.detach()) == 0
    assert logits.grad is not None
    assert bool((logits.grad == 0).all())


def test_ignore_value_is_that_of_the_class_table(make: Make, name: str) -> None:
    loss = make(name, 3, ignore=7)
    target = labels(3)
    expected = loss(random_logits(3)[:, :, :8], target[:, :8])
    target[:, 8:] = 7
    torch.testing.assert_close(loss(random_logits(3), target), expected)


@for_class_counts
def test_weights_act(make: Make, name: str, count: int) -> None:
    target = labels(count)
    wrong_about_last = sure_of(torch.where(target == count - 1, 0, target), count)
    light, heavy = torch.ones(count), torch.ones(count)
    light[-1], heavy[-1] = 0.1, 10.0
    values = [float(make(name, count, weights)(wrong_about_last, target)) for weights in (light, None, heavy)]
    assert values[0] < values[1] < values[2]


def test_equal_weights_change_nothing(make: Make, name: str) -> None:
    target = labels(3)
    plain = make(name, 3)(random_logits(3), target)
    torch.testing.assert_close(make(name, 3, torch.full((3,), 2.5))(random_logits(3), target), plain)


def test_half_precision_logits_are_taken_to_full_precision(make: Make, name: str) -> None:
    logits, target = random_logits(3).bfloat16(), labels(3)
    assert make(name, 3)(logits, target).dtype == torch.float32
    torch.testing.assert_close(make(name, 3)(logits, target), make(name, 3)(logits.float(), target))


def test_extreme_logits_stay_finite(make: Make, name: str) -> None:
    target = labels(3)
    for certainty in (1e4, -1e4):
        logits = sure_of(target, 3, certainty).requires_grad_()
        value = make(name, 3)(logits, target)
        value.backward()
        assert bool(value.isfinite())
        assert logits.grad is not None
        assert bool(logits.grad.isfinite().all())


def test_an_unknown_option_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="unknown configuration key 'no_such_option'"):
        build_loss(LossConfig(name=name, options={"no_such_option": 1}), table(3))


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1.0, 2.0], "2 class weights for 3 classes"), ([1.0, -1.0, 1.0], "negative"), ([1.0, torch.inf, 1.0], "finite")],
)
def test_impossible_weights_are_refused(make: Make, name: str, weights: list[float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(name, 3, torch.tensor(weights))
