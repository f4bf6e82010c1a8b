"""What an architecture is: how to build its net, which options it takes, which input sizes it accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from retseg.core.config import Section
from retseg.core.errors import InputError
from retseg.core.types import CLASS_MAP


@dataclass(frozen=True, slots=True)
class PublishedEncoder:
    """Weights that somebody trained on ImageNet and published, in the encoder's own names.

    `digest` is the beginning of the file's SHA-256. `dropped` names the file's tensors that have no place in an
    encoder: the classifier.
    """

    url: str
    digest: str
    megabytes: int
    dropped: tuple[str, ...]
    credit: str


@dataclass(frozen=True, slots=True)
class Architecture:
    """A kind of net that can be built for any number of input channels and classes.

    The net's `forward` takes float images (B, in_channels, H, W) and returns logits (B, classes, H, W), or a dictionary
    of named outputs among which `CLASS_MAP` is such logits. H and W must be multiples of `stride(options)`.

    While it is trained a net may add further predictions of the class map, named "classes.1", "classes.2" and so on,
    as logits at any resolution, the best first; in evaluation it returns the class map only.

    `build` receives (in_channels, classes, options), where options is an instance of the section `options`.
    `fully_convolutional` says that the net takes any such size, not only the one it was trained on.
    `card` is a paragraph for whoever chooses a net: what it is, what it is good for, where it fails.
    `encoder` holds the beginnings of the state-dict names that belong to the encoder, for example ("encoder.",); it is
    empty where a net has no encoder to speak of. `published` says where weights for that encoder are published.
    """

    name: str
    options: type[Section]
    build: Callable[[int, int, Any], nn.Module]
    stride: Callable[[Any], int]
    fully_convolutional: bool
    about: str
    card: str
    citation: str
    encoder: tuple[str, ...] = ()
    published: PublishedEncoder | None = None


def outputs(result: Tensor | Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a net returned, always by name: bare logits become `{CLASS_MAP: logits}`."""
    if isinstance(result, Tensor):
        return {CLASS_MAP: result}
    return dict(result)


def auxiliary(result: Tensor | Mapping[str, Tensor]) -> list[Tensor]:
    """The further predictions of the class map that a net returned while it is trained, the best first."""
    if isinstance(result, Tensor):
        return []
    return [result[name] for name in sorted(result) if name.startswith(f"{CLASS_MAP}.")]


def check_input_size(architecture: Architecture, options: Section, height: int, width: int) -> None:
    """Raises InputError, naming the padding that mends it, unless the net takes images of height x width pixels."""
    stride = architecture.stride(options)
    down, right = -height % stride, -width % stride
    if min(height, width) < 1 or down or right:
        raise InputError(
            f"{architecture.name} with these options takes heights and widths that are multiples of {stride}",
            where=f"{height} x {width} pixels (height x width)",
            fix=f"Pad {down or stride * (height < 1)} rows and {right or stride * (width < 1)} columns, "
            f"to {max(height + down, stride)} x {max(width + right, stride)}",
        )
