"""What a net is made of and what it costs: layers, parameters, multiply-adds, memory, receptive field."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from retseg.core.errors import InputError
from retseg.models.architecture import check_input_size, outputs
from retseg.models.build import build, resolve
from retseg.models.config import ModelConfig
from retseg.models.memory import LiveMemory
from retseg.models.receptive_field import receptive_field

_LONGEST_REASON = 300
"""Characters of somebody else's error that still make one readable line."""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer, in the order in which it finishes.

    `multiply_adds` counts convolutions and matrix products only, as is usual. `activation_bytes` is the new memory that
    its output takes: 0 for a layer that works in place. A layer that runs twice has two rows, the second of which has
    no parameters.
    """

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    activation_bytes: int


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """The layers and the totals, for one image of the given shape in float32.

    `activation_bytes` adds up what all layers put out; it is what a net pays for staying at full resolution.
    `inference_bytes` and `training_bytes` are what weights and tensors take at the busiest moment: for training with
    the gradients and the two moments that Adam keeps of every parameter. Scratch space of single operations comes on
    top. `receptive_field` is (height, width) in pixels, None where it is unbounded or could not be found.
    """

    rows: tuple[LayerRow, ...]
    input_shape: tuple[int, ...]
    output_shapes: dict[str, tuple[int, ...]]
    parameters: int
    trainable_parameters: int
    multiply_adds: int
    activation_bytes: int
    inference_bytes: int
    training_bytes: int
    receptive_field: tuple[int, int] | None


def summarise_model(config: ModelConfig, in_channels: int, classes: int, height: int, width: int) -> ModelSummary:
    """The summary of a registered architecture for images of height x width pixels, a multiple of its stride."""
    architecture, options = resolve(config)
    check_input_size(architecture, options, height, width)
    net = build(config, in_channels, classes)
    return summarise(net, in_channels, height, width, multiple=architecture.stride(options))


def summarise(net: nn.Module, in_channels: int, height: int, width: int, *, multiple: int = 32) -> ModelSummary:
    """The summary of any net that takes images (1, in_channels, height, width); the net itself is left untouched.

    `multiple` is what heights and widths of its input must be multiples of; only the receptive field needs it.
    """
    shape = (1, in_channels, height, width)
    net = _with_known_shapes(net, shape)
    try:
        # Tensors on "meta" have shapes and no values, so that nothing is computed and no memory is needed.
        figures = _measure(copy.deepcopy(net).eval().to("meta"), torch.empty(shape, device="meta"))
    except Exception:
        # Some nets look at values; those have to run for real.
        with _refusal_explained(net, shape):
            figures = _measure(copy.deepcopy(net).eval().cpu().float(), torch.zeros(shape))
    rows, shapes, inference, training = figures
    weights = sum(parameter.numel() * 4 for parameter in net.parameters())
    fixed = weights + sum(buffer.numel() * 4 for buffer in net.buffers()) + 4 * in_channels * height * width
    return ModelSummary(
        rows=rows,
        input_shape=shape,
        output_shapes=shapes,
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        trainable_parameters=sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad),
        multiply_adds=sum(row.multiply_adds for row in rows),
        activation_bytes=sum(row.activation_bytes for row in rows),
        inference_bytes=fixed + inference,
        training_bytes=fixed + training + 2 * weights,
        receptive_field=_field(net, in_channels, multiple),
    )


@contextmanager
def _refusal_explained(net: nn.Module, shape: tuple[int, ...]) -> Iterator[None]:
    """Says in one line that a net does not take such images, whatever its own code raised."""
    try:
        yield
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"the net does not take images of {' x '.join(map(str, shape[1:]))} ({reason[:_LONGEST_REASON]})",
            where=type(net).__name__,
            fix="Give the size and channels that it was made for",
        ) from error


def _with_known_shapes(net: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """The net itself, or a copy of one with lazy layers, whose shapes the first image decides."""
    if not any(is_lazy(tensor) for tensor in (*net.parameters(), *net.buffers())):
        return net
    known = copy.deepcopy(net).eval()
    with _refusal_explained(net, shape), torch.no_grad():
        known(torch.zeros(shape))
    return known


def _field(net: nn.Module, in_channels: int, multiple: int) -> tuple[int, int] | None:
    """The receptive field; None, too, where somebody's net refuses the sizes that it is probed with."""
    try:
        return receptive_field(net, in_channels, multiple)
    except Exception:
        return None


def _measure(net: nn.Module, image: Tensor) -> tuple[tuple[LayerRow, ...], dict[str, tuple[int, ...]], int, int]:
    """Rows, output shapes, and the most bytes alive during inference and during a training step."""
    existing = [image, *net.parameters(), *net.buffers()]
    with torch.no_grad(), FlopCounterMode(display=False) as flops:
        recorder = _Recorder(net, flops)
        result = recorder.run(image)
    shapes = {name: tuple(tensor.shape) for name, tensor in _named(result).items()}
    del result
    with torch.no_grad(), LiveMemory(existing) as inference:
        net(image)
    with torch.enable_grad(), LiveMemory(existing) as training:
        loss = sum(tensor.sum() for tensor in _named(net(image)).values())
        if isinstance(loss, Tensor) and loss.requires_grad:
            loss.backward()
    return tuple(recorder.rows), shapes, inference.peak, training.peak


def _named(result: Any) -> dict[str, Tensor]:
    if isinstance(result, Tensor | dict):
        return {name: value for name, value in outputs(result).items() if isinstance(value, Tensor)}
    return {str(index): leaf for index, leaf in enumerate(tree_leaves(result)) if isinstance(leaf, Tensor)}


def _tensors(value: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor))


class _Recorder:
    """Writes down a row for each module that computes something itself, while the net runs once."""

    def __init__(self, net: nn.Module, flops: FlopCounterMode) -> None:
        self.rows: list[LayerRow] = []
        self._net, self._flops = net, flops
        self._names = {module: name or type(net).__name__ for name, module in net.named_modules()}
        self._counted: set[nn.Parameter] = set()
        # For every module that is running: flops when it began, flops that the modules inside it have had.
        self._running: list[list[int]] = []

    def run(self, image: Tensor) -> Any:
        handles = []
        for module in self._names:
            handles.append(module.register_forward_pre_hook(self._begin))
            handles.append(module.register_forward_hook(self._end, with_kwargs=True))
        try:
            return self._net(image)
        finally:
            for handle in handles:
                handle.remove()

    def _begin(self, module: nn.Module, inputs: Any) -> None:
        self._running.append([self._flops.get_total_flops(), 0])

    def _end(self, module: nn.Module, inputs: Any, kwargs: Any, result: Any) -> None:
        began, inside = self._running.pop()
        spent = self._flops.get_total_flops() - began
        if self._running:
            self._running[-1][1] += spent
        own = [p for p in module.parameters(recurse=False) if p not in self._counted]
        self._counted.update(own)
        is_leaf = next(module.children(), None) is None
        if not (is_leaf or own or spent > inside):
            return
        given = {tensor.untyped_storage()._cdata for tensor in _tensors((inputs, kwargs))}
        made = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in _tensors(result)}
        first = next(_tensors(result), None)
        self.rows.append(
            LayerRow(
                name=self._names[module],
                type=type(module).__name__,
                output_shape=() if first is None else tuple(first.shape),
                parameters=sum(p.numel() for p in own),
                multiply_adds=(spent - inside) // 2,
                activation_bytes=sum(size for key, size in made.items() if key not in given),
            )
        )
