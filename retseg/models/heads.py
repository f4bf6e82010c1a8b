"""Heads: what a net tells of each pixel beside its class, such as how deep inside an instance it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from retseg.core.registry import Registry
from retseg.core.types import CLASS_MAP, Float32Array, UInt16Array
from retseg.models.architecture import auxiliary, outputs
from retseg.models.config import ModelConfig


@dataclass(frozen=True, slots=True)
class Head:
    """Further channels of a net, which any architecture can put out beside its class logits.

    `target` makes what the head is to learn from an id map (H, W): (channels, H, W) float32 in 0..1, 0 where there is
    no instance. It must not change when the photograph is turned, mirrored or scaled.
    `activation` brings the channels' raw values (B, channels, H, W) into 0..1.
    `loss` takes raw values, targets (both (B, channels, H, W)) and which pixels count (B, H, W) bool to a scalar.
    """

    name: str
    channels: int
    target: Callable[[UInt16Array], Float32Array]
    activation: Callable[[Tensor], Tensor]
    loss: Callable[[Tensor, Tensor, Tensor], Tensor]
    about: str
    citation: str


HEADS: Registry[Head] = Registry("head", "retseg.heads", {"distance": "retseg.models.distance_head:DISTANCE"})


def heads_of(config: ModelConfig) -> tuple[Head, ...]:
    """The heads that a configuration names."""
    return tuple(HEADS.get(name) for name in config.heads)


def channels_of(heads: Sequence[Head]) -> int:
    """How many channels a net needs for these heads, beside those of its classes."""
    return sum(head.channels for head in heads)


def split(
    result: Tensor | Mapping[str, Tensor], classes: int, heads: Sequence[Head]
) -> tuple[dict[str, Tensor], list[Tensor]]:
    """A net's result by name, and its further predictions of the class map.

    Args:
        result: What the net returned; its class logits have the heads' channels behind those of the classes, unless
            the net itself returned a head under its name.
        classes: Number of classes.
        heads: The net's heads.

    Returns:
        `CLASS_MAP` (B, classes, H, W) and each head's raw values (B, channels, H, W) by its name; then the logits of
        auxiliary predictions, the best first.
    """
    named = outputs(result)
    if not heads:
        return {CLASS_MAP: named[CLASS_MAP]}, auxiliary(result)
    logits, first = named[CLASS_MAP], classes
    found = {CLASS_MAP: logits[:, :classes]}
    for head in heads:
        if head.name in named:
            found[head.name] = named[head.name]
        else:
            found[head.name] = logits[:, first : first + head.channels]
            first += head.channels
    return found, [other[:, :classes] for other in auxiliary(result)]
