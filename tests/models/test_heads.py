from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from retseg.core.errors import ConfigError
from retseg.core.types import CLASS_MAP, UInt16Array
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.models.heads import HEADS, Head, channels_of, heads_of, split

every = pytest.mark.parametrize("name", HEADS.names())


def a_head(name: str, channels: int) -> Head:
    distance = HEADS.get("distance")
    return Head(name, channels, distance.target, distance.activation, distance.loss, "for a test", "none")


def figures() -> UInt16Array:
    """An id map of figures that touch each other, the border, and nothing."""
    ids = np.zeros((40, 56), np.uint16)
    ids[5:25, 10:22], ids[8:30, 22:40], ids[28:40, 0:12], ids[33, 50] = 3, 8, 21, 4
    return ids


def raw_of(target: Tensor) -> Tensor:
    """Raw values that the activation makes (nearly) this target, if it is a sigmoid."""
    return torch.logit(target.clamp(1e-4, 1 - 1e-4))


def batch(name: str) -> tuple[Head, Tensor, Tensor]:
    """A head, two targets (2, channels, H, W), and which pixels count, which are most."""
    head, ids = HEADS.get(name), figures()
    target = torch.from_numpy(np.stack([head.target(ids), head.target(ids[::-1].copy())]))
    counted = torch.ones(2, *ids.shape, dtype=torch.bool)
    counted[:, :3] = False
    return head, target, counted


def test_split_takes_the_channels_apart() -> None:
    logits = torch.arange(2 * 9 * 3 * 4).float().reshape(2, 9, 3, 4)
    found, further = split(logits, 4, (a_head("one", 2), a_head("other", 3)))
    assert list(found) == [CLASS_MAP, "one", "other"]
    assert torch.equal(found[CLASS_MAP], logits[:, :4])
    assert torch.equal(found["one"], logits[:, 4:6])
    assert torch.equal(found["other"], logits[:, 6:9])
    assert further == []


def test_without_heads_split_changes_nothing() -> None:
    logits = torch.rand(2, 4, 3, 4)
    found, further = split(logits, 4, ())
    assert list(found) == [CLASS_MAP]
    assert torch.equal(found[CLASS_MAP], logits)
    assert further == []


def test_a_head_that_the_net_itself_puts_out_is_taken_by_its_name() -> None:
    logits, own = torch.rand(1, 6, 3, 4), torch.rand(1, 3, 3, 4)
    result = {CLASS_MAP: logits, "own": own}
    found, _ = split(result, 4, (a_head("own", 3), a_head("appended", 2)))
    assert torch.equal(found["own"], own)
    assert torch.equal(found["appended"], logits[:, 4:6]), "the first channels behind those of the classes"
    assert torch.equal(found[CLASS_MAP], logits[:, :4])
    assert set(result) == {CLASS_MAP, "own"}, "what the net returned is left alone"


def test_further_predictions_lose_the_channels_of_the_heads() -> None:
    result = {
        CLASS_MAP: torch.rand(1, 5, 8, 8),
        "classes.2": torch.rand(1, 5, 2, 2),
        "classes.1": torch.rand(1, 5, 4, 4),
    }
    found, further = split(result, 4, (a_head("distance", 1),))
    assert set(found) == {CLASS_MAP, "distance"}
    assert [tuple(each.shape) for each in further] == [(1, 4, 4, 4), (1, 4, 2, 2)]
    assert torch.equal(further[0], result["classes.1"][:, :4])


def test_a_configuration_names_its_heads() -> None:
    assert heads_of(ModelConfig(arch="basic")) == ()
    heads = heads_of(ModelConfig(arch="basic", heads=("distance",)))
    assert [head.name for head in heads] == ["distance"]
    assert channels_of(heads) == 1
    assert channels_of((a_head("one", 2), a_head("other", 3))) == 5
    net = build(ModelConfig(arch="basic", heads=("distance",)), 3, 4)
    found, _ = split(net.eval()(torch.rand(1, 3, 32, 32)), 4, heads)
    assert found["distance"].shape == (1, 1, 32, 32)


def test_an_unknown_head_is_refused_with_the_known_ones() -> None:
    with pytest.raises((ConfigError, ValidationError), match="distance"):
        heads_of(ModelConfig(arch="basic", heads=("distanse",)))


@every
def test_describes_itself(name: str) -> None:
    head = HEADS.get(name)
    assert isinstance(head, Head)
    assert head.name == name
    assert head.name != CLASS_MAP
    assert not head.name.startswith(f"{CLASS_MAP}."), "that would be a further prediction of the class map"
    assert head.channels >= 1
    assert len(head.about) > 20
    assert len(head.citation) > 20


@every
def test_its_target_lies_between_0_and_1_and_is_0_where_there_is_no_instance(name: str) -> None:
    head, ids = HEADS.get(name), figures()
    target = head.target(ids)
    assert target.shape == (head.channels, *ids.shape)
    assert target.dtype == np.float32
    assert target.min() >= 0
    assert target.max() <= 1
    assert not target[:, ids == 0].any()
    assert target.any(0)[ids > 0].all()
    assert not head.target(np.zeros_like(ids)).any()


@every
def test_its_target_turns_with_the_photograph(name: str) -> None:
    head, ids = HEADS.get(name), figures()
    target = head.target(ids)
    for turns in (1, 2, 3):
        assert np.array_equal(head.target(np.rot90(ids, turns).copy()), np.rot90(target, turns, (1, 2)))
    for axis in (0, 1):
        assert np.array_equal(head.target(np.flip(ids, axis).copy()), np.flip(target, axis + 1))


@every
def test_its_target_does_not_ask_which_number_an_instance_has(name: str) -> None:
    head, ids = HEADS.get(name), figures()
    table = np.zeros(100, np.uint16)
    table[[3, 8, 21, 4]] = 65535, 1, 2, 40000
    assert np.array_equal(head.target(table[ids]), head.target(ids))


@every
def test_its_target_does_not_change_with_the_scale(name: str) -> None:
    head = HEADS.get(name)
    ids = np.zeros((60, 80), np.uint16)
    ids[10:50, 10:40], ids[10:50, 40:70] = 1, 2
    large = head.target(np.kron(ids, np.ones((3, 3), np.uint16)))[:, 1::3, 1::3]
    assert np.abs(large - head.target(ids)).max() < 0.1


@every
def test_its_activation_gives_0_to_1(name: str) -> None:
    head = HEADS.get(name)
    raw = torch.linspace(-60, 60, 400).reshape(1, 1, 20, 20).expand(2, head.channels, 20, 20)
    result = head.activation(raw)
    assert result.shape == raw.shape
    assert float(result.min()) >= 0
    assert float(result.max()) <= 1


@every
def test_its_loss_is_least_for_the_truth_and_largest_for_the_opposite(name: str) -> None:
    head, target, counted = batch(name)
    generator = torch.Generator().manual_seed(0)
    candidates = (target, torch.rand(target.shape, generator=generator), 1 - target)
    perfect, chance, inverted = (float(head.loss(raw_of(each), target, counted)) for each in candidates)
    assert 0 <= perfect < 0.01
    assert perfect < chance < inverted


@every
def test_its_loss_moves_every_pixel_that_counts_and_no_other(name: str) -> None:
    head, target, counted = batch(name)
    raw = torch.randn(target.shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
    loss = head.loss(raw, target, counted)
    assert loss.shape == ()
    loss.backward()
    assert raw.grad is not None
    assert bool(raw.grad.isfinite().all())
    moved = raw.grad.abs().sum(1) > 0
    assert not moved[~counted].any()
    assert float(moved[counted].float().mean()) > 0.99


@every
def test_learning_with_its_loss_reaches_the_target(name: str) -> None:
    head, target, counted = batch(name)
    raw = torch.zeros_like(target).requires_grad_()
    optimiser = torch.optim.Adam([raw], lr=0.2)
    for _ in range(150):
        optimiser.zero_grad()
        head.loss(raw, target, counted).backward()
        optimiser.step()
    error = (head.activation(raw) - target).abs().mean(1)[counted]
    assert float(error.detach().max()) < 0.1


@every
def test_what_lies_where_nothing_counts_does_not_matter_to_its_loss(name: str) -> None:
    head, target, counted = batch(name)
    raw = torch.randn(target.shape, generator=torch.Generator().manual_seed(1))
    other_raw, other_target = raw.clone(), target.clone()
    other_raw[:, :, :3], other_target[:, :, :3] = 50.0, 1.0
    assert torch.equal(head.loss(raw, target, counted), head.loss(other_raw, other_target, counted))


@every
def test_its_loss_is_0_where_nothing_counts(name: str) -> None:
    head, target, counted = batch(name)
    raw = torch.randn(target.shape).requires_grad_()
    loss = head.loss(raw, target, torch.zeros_like(counted))
    assert float(loss.detach()) == 0
    loss.backward()
    assert raw.grad is not None
    assert not raw.grad.any()


@every
@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_its_loss_takes_a_batch_that_is_all_inside_or_all_outside(name: str, fill: float) -> None:
    head, target, counted = batch(name)
    flat = torch.full_like(target, fill)
    good, bad = (float(head.loss(raw_of(each), flat, counted)) for each in (flat, 1 - flat))
    assert 0 <= good < 0.01 < bad


@every
def test_its_loss_takes_half_precision(name: str) -> None:
    head, target, counted = batch(name)
    raw = torch.randn(target.shape, generator=torch.Generator().manual_seed(1))
    exact, rough = head.loss(raw, target, counted), head.loss(raw.bfloat16(), target, counted)
    assert float(rough) == pytest.approx(float(exact), rel=0.02)
    assert bool(head.loss(torch.full_like(raw, 6e4).half(), target, counted).isfinite())
