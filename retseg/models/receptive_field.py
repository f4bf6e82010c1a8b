"""The theoretical receptive field: the pixels of the input that one pixel of the output depends on.

Found from the support of the gradient in a copy of the net in which nothing can cancel: every weight is positive, max
pooling lets all its pixels through, normalisations and softmax (which look at everything, or cancel) are taken out.
Channels are averaged in front of each convolution, since how many there are makes no difference to the support.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from retseg.models.architecture import outputs

_SHORT_SIDE = 32
_LONGEST = 8192
"""Probing strips are about this wide and at most this long, in pixels."""

_PASSED_THROUGH = frozenset(
    {"batch_norm", "instance_norm", "group_norm", "layer_norm", "rms_norm", "local_response_norm", "normalize"}
    | {"softmax", "log_softmax", "softmin", "dropout", "dropout_", "dropout2d", "alpha_dropout", "feature_dropout"}
    | {
        "relu",
        "relu_",
        "relu6",
        "leaky_relu",
        "leaky_relu_",
        "prelu",
        "elu",
        "elu_",
        "gelu",
        "silu",
        "mish",
        "hardswish",
    }
)

Pair = tuple[int, int]


def receptive_field(net: nn.Module, in_channels: int, multiple: int = _SHORT_SIDE) -> Pair | None:
    """Height and width in pixels of the region that one output pixel sees, the largest over all output pixels.

    `multiple` is what heights and widths of the net's input must be multiples of.
    None where the region has no bound (the net looks at the whole image, or further than 8192 pixels), or where the
    net takes no input of these sizes.
    """
    probe = _without_cancellation(net)
    step = multiple * -(-_SHORT_SIDE // multiple)
    try:
        height = _extent(probe, in_channels, step, vertical=True)
        width = _extent(probe, in_channels, step, vertical=False)
    except (RuntimeError, ValueError, TypeError, NotImplementedError):
        return None
    return None if height is None or width is None else (height, width)


def _without_cancellation(net: nn.Module) -> nn.Module:
    probe = copy.deepcopy(net).cpu().double().eval()
    for parameter in probe.parameters():
        # Averages keep the values near one, so that saturating activations still pass a gradient on.
        parameter.data.fill_(1 / max(parameter[0].numel(), 1) if parameter.ndim >= 2 else 0.01)
    return probe


def _extent(probe: nn.Module, in_channels: int, step: int, *, vertical: bool) -> int | None:
    """Length of the receptive field along one axis, probing longer and longer strips until it fits inside."""
    length = 4 * step
    while length <= _LONGEST:
        shape = (length, step) if vertical else (step, length)
        image = torch.ones(1, in_channels, *shape, dtype=torch.float64, requires_grad=True)
        found = _widest_support(probe, image, axis=2 if vertical else 3, period=step)
        if found is not None:
            return found
        length *= 2
    return None


def _widest_support(probe: nn.Module, image: Tensor, axis: int, period: int) -> int | None:
    """The widest support over output pixels around the middle, or None where one reaches the strip's border."""
    with _NothingHidden():
        result: Any = probe(image)
        if isinstance(result, tuple | list):
            result = result[0]
        lines = next(iter(outputs(result).values())).movedim(axis, 0).flatten(1).sum(1)
    middle, widest = len(lines) // 2, 0
    # Pixels of one pooling window see different regions, so all positions within a period are asked.
    for line in lines[middle : middle + period]:
        (gradient,) = torch.autograd.grad(line, image, retain_graph=True)
        seen = gradient.abs().sum(dim=[d for d in range(4) if d != axis]).nonzero().flatten()
        if not len(seen) or seen[0] == 0 or seen[-1] == image.shape[axis] - 1:
            return None
        widest = max(widest, int(seen[-1] - seen[0]) + 1)
    return widest


class _NothingHidden(TorchFunctionMode):
    """Replaces the operations that hide or spread dependence, whether called by a module or as a function."""

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name in _PASSED_THROUGH:
            return args[0] if args else kwargs["input"]
        replacement = _REPLACED.get(name)
        return replacement(func, *args, **kwargs) if replacement else func(*args, **kwargs)


def _pair(value: Any) -> Pair:
    if isinstance(value, int):
        return value, value
    first, *rest = value
    return int(first), int(rest[0] if rest else first)


def _convolution(
    func: Callable[..., Tensor],
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    if groups > 1:
        return func(input, weight, bias, stride, padding, dilation, groups)
    one = torch.ones(1, 1, *weight.shape[2:], dtype=input.dtype) / weight[0, 0].numel()
    result = func(input.mean(1, keepdim=True), one, None, stride, padding, dilation)
    return result.repeat(1, weight.shape[0], 1, 1)


def _transposed(
    func: Callable[..., Tensor],
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    if groups > 1:
        return func(input, weight, bias, stride, padding, output_padding, groups, dilation)
    one = torch.ones(1, 1, *weight.shape[2:], dtype=input.dtype)
    result = func(input.mean(1, keepdim=True), one, None, stride, padding, output_padding, 1, dilation)
    return result.repeat(1, weight.shape[1], 1, 1)


def _max_pool(
    func: Callable[..., Any],
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Average pooling instead, so that every pixel of the window counts, not only the largest."""
    size, step, border, gap = _pair(kernel_size), _pair(stride or kernel_size), _pair(padding), _pair(dilation)
    if gap == (1, 1):
        pooled = F.avg_pool2d(input, size, step, border, ceil_mode)
    else:
        box = torch.ones(input.shape[1], 1, *size, dtype=input.dtype)
        pooled = torch.conv2d(input, box, None, step, border, gap, input.shape[1])
    indexed = return_indices or "indices" in getattr(func, "__name__", "")
    return (pooled, torch.zeros_like(pooled, dtype=torch.int64)) if indexed else pooled


def _max_unpool(
    func: Callable[..., Tensor],
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Every pixel of the window instead of the remembered one, which could have been any of them."""
    size, step = _pair(kernel_size), _pair(stride or kernel_size)
    box = torch.ones(input.shape[1], 1, *size, dtype=input.dtype)
    spread = torch.conv_transpose2d(input, box, None, step, _pair(padding), 0, input.shape[1])
    return spread if output_size is None else F.interpolate(spread, tuple(output_size)[-2:], mode="nearest")


_REPLACED: dict[str, Callable[..., Any]] = {
    "conv2d": _convolution,
    "conv_transpose2d": _transposed,
    "max_pool2d": _max_pool,
    "_max_pool2d": _max_pool,
    "max_pool2d_with_indices": _max_pool,
    "max_unpool2d": _max_unpool,
}
