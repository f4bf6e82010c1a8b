"""Taking over weights from another net: what fits is copied, what does not is named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from retseg.core.errors import CheckpointError, listed

SHOWN = 3  # as many names as a line still carries
_COUNTER = "num_batches_tracked"
"""How often a batch normalisation was updated. Old files lack it, and nothing here depends on its value."""


@dataclass(frozen=True)
class Transfer:
    """What became of every tensor when weights were taken over; names in the order of the net and of the source.

    Attributes:
        loaded: Tensors of the net that were copied from the source.
        fresh: Tensors of the net that stayed as they were initialised.
        unused: Tensors of the source that the net has no place for.
        reasons: Why each of `fresh` stayed, for example "3 classes instead of 23".
    """

    loaded: tuple[str, ...]
    fresh: tuple[str, ...]
    unused: tuple[str, ...]
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """One plain line for a person: how much was taken over, what stayed random and why, what was not used."""
        text = f"Weights taken over: {len(self.loaded)} of {len(self.loaded) + len(self.fresh)} tensors."
        if self.fresh:
            groups: dict[str, list[str]] = {}
            for name in self.fresh:
                groups.setdefault(self.reasons.get(name, ""), []).append(name)
            text += (
                f" Fresh: {'; '.join(listed(each, SHOWN) + f' ({why})' * bool(why) for why, each in groups.items())}."
            )
        # A tensor that stayed fresh is unused in the source under the same name: once is enough.
        if others := [name for name in self.unused if name not in self.fresh and not is_counter(name)]:
            text += f" Not used: {listed(others, SHOWN)}."
        return text


def is_counter(name: str) -> bool:
    """Whether a tensor only counts the updates of a batch normalisation, so that it is no loss if it is missing."""
    return name.rpartition(".")[2] == _COUNTER


def shape_of(tensor: Tensor) -> str:
    """A tensor's shape as a person writes it: "64x3x7x7"; a single number is "scalar"."""
    return "x".join(map(str, tensor.shape)) or "scalar"


def head_of(build: Callable[[int], nn.Module]) -> frozenset[str]:
    """Names of the tensors whose shape depends on the number of classes; `build` makes a net for so many classes."""
    one, other = (_shapes(build, classes) for classes in (5, 7))
    return frozenset(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _shapes(build: Callable[[int], nn.Module], classes: int) -> dict[str, torch.Size]:
    with torch.random.fork_rng(devices=[]):  # asking about a net must not change the weights of the next one
        try:
            # On "meta" tensors have shapes only, so that even a large net costs no memory.
            with torch.device("meta"):
                net = build(classes)
        except (RuntimeError, NotImplementedError):
            # Some initialisations look at values.
            net = build(classes)
    return {name: tensor.shape for name, tensor in net.state_dict().items()}


def transfer(
    net: nn.Module, tensors: Mapping[str, Tensor], *, leave: Collection[str] = (), head: Collection[str] = ()
) -> Transfer:
    """Copies into `net` every tensor of the same name and shape, and says what became of the others. Never raises.

    Args:
        net: Changed in place; its devices and number formats stay.
        tensors: The source's tensors by name.
        leave: Names that are not taken over even if they fit.
        head: What `head_of` found. A shape that differs there is explained by the number of classes.
    """
    own: dict[str, Tensor] = net.state_dict()
    loaded: list[str] = []
    reasons: dict[str, str] = {}
    with torch.no_grad():
        for name, tensor in own.items():
            if name not in tensors:
                if not is_counter(name):
                    reasons[name] = "not among the weights"
            elif tensors[name].shape != tensor.shape:
                reasons[name] = _difference(tensor, tensors[name], of_head=name in head)
            elif name in leave:
                reasons[name] = "left out on purpose"
            else:
                tensor.copy_(tensors[name])
                loaded.append(name)
    copied = frozenset(loaded)
    return Transfer(tuple(loaded), tuple(reasons), tuple(name for name in tensors if name not in copied), reasons)


def _difference(own: Tensor, other: Tensor, *, of_head: bool) -> str:
    pairs = {(here, there) for here, there in zip(own.shape, other.shape, strict=False) if here != there}
    if of_head and own.ndim == other.ndim and len(pairs) == 1:
        here, there = pairs.pop()
        return f"{here} classes instead of {there}"
    return f"{shape_of(own)} instead of {shape_of(other)}"


def require_some(taken: Transfer, *, head: Collection[str] = (), where: str | Path | None = None) -> None:
    """Raises CheckpointError unless at least half of the net's tensors outside its head were taken over.

    Args:
        taken: What `transfer` returned.
        head: What `head_of` found; these tensors may all be fresh.
        where: The file or run that the weights are from, for the message.
    """
    fitting = [name for name in taken.loaded if name not in head]
    missing = [name for name in taken.fresh if name not in head]
    if len(fitting) >= len(missing):
        return
    foreign = [name for name in taken.unused if name not in head]
    needed = listed((f"{name} ({taken.reasons.get(name, 'fresh')})" for name in missing), SHOWN)
    raise CheckpointError(
        f"weights of another architecture ({len(fitting)} of {len(fitting) + len(missing)} tensors fit; "
        f"the net needs {needed}; the weights have {listed(foreign, SHOWN) or 'nothing else'})",
        where=where,
        fix="Take weights of a net with the same `model.arch` and `model.options`",
    )
