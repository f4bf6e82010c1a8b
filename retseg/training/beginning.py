"""What a training begins with: random weights, those of an earlier run, or an encoder that was trained elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from retseg.core.errors import CheckpointError
from retseg.inference.card import Card
from retseg.inference.checkpoint import read_card
from retseg.models.build import build, resolve
from retseg.models.encoder_weights import IMAGENET, load_encoder, weights_file
from retseg.models.transfer import head_of, require_some, transfer
from retseg.training.job import TrainJob
from retseg.training.optim import MovingAverage, build_optimiser, encoder_parameters
from retseg.training.randomness import Purpose, torch_seed
from retseg.training.state import TrainingState

CHANNELS = 3


@dataclass(frozen=True, slots=True)
class Beginning:
    """The state before the first step, what was taken over from where, and whose photographs that had seen."""

    state: TrainingState
    transfer: str = ""
    seen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def begin(job: TrainJob) -> Beginning:
    """Builds the net and its optimiser; takes over the weights that the configuration names."""
    torch.manual_seed(torch_seed(job.seed, Purpose.WEIGHTS))
    net = build(job.model, CHANNELS, job.prepared.classes.count)
    told, seen = _take_over(net, job)
    if job.train.overfit is not None:
        _without_dropout(net)
    # Convolutions are faster with the channels last, on processors as on accelerators.
    net = net.to(device=job.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = MovingAverage(net, job.train.ema) if job.train.ema else None
    encoder = resolve(job.model)[0].encoder if treats_encoder_apart(job) else ()
    optimiser = build_optimiser(net, job.train, encoder)
    return Beginning(TrainingState(net, optimiser, average), told, seen)


def treats_encoder_apart(job: TrainJob) -> bool:
    """Whether the encoder is frozen for a while, or has a learning rate of its own."""
    return bool(job.train.freeze_encoder_epochs or job.train.encoder_lr)


def freeze(net: nn.Module, encoder: tuple[str, ...], *, frozen: bool) -> None:
    """Freezes a net's encoder, with the running statistics of its normalisations, or lets it learn again."""
    for parameter in encoder_parameters(net, encoder):
        parameter.requires_grad_(not frozen)
    if frozen:
        for name, module in net.named_modules():
            if f"{name}.".startswith(encoder):
                module.eval()


def _take_over(net: nn.Module, job: TrainJob) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Loads what the configuration names; a sentence on it, and all patients behind those weights, by dataset."""
    told: list[str] = []
    seen: dict[str, tuple[str, ...]] = {}
    if job.start is not None:
        card = read_card(job.start)
        told.append(_start_from(net, job, job.start, card))
        seen = card.everyone_seen()
    source = job.train.encoder_weights
    if source is not None:
        took = load_encoder(net, resolve(job.model)[0], source)
        told.append(f"Encoder from {source}: {took.sentence}")
        for name, patients in _behind(source).items():
            seen[name] = tuple(sorted({*seen.get(name, ()), *patients}))
    return " ".join(told), seen


def _start_from(net: nn.Module, job: TrainJob, path: Path, card: Card) -> str:
    classes = job.prepared.classes
    head = head_of(lambda count: build(job.model, CHANNELS, count))
    leave = frozenset[str]() if card.classes.mean_the_same(classes) else head
    source: Mapping[str, Tensor] = load_file(path)
    took = transfer(net, source, leave=leave, head=head)
    require_some(took, head=head, where=path)
    return f"Began as {card.arch} trained on {card.dataset}: {took.sentence}"


def _behind(source: str) -> Mapping[str, tuple[str, ...]]:
    """The patients behind an encoder's weights, if they are of one of our runs."""
    if source == IMAGENET:
        return {}
    try:
        return read_card(weights_file(source)).everyone_seen()
    except CheckpointError:  # somebody else's file, which says nothing of patients
        return {}


def _without_dropout(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
