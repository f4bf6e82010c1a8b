"""What `retseg models show` tells: one net in detail with its receptive field drawn, or several beside each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from retseg.core.config import Section
from retseg.core.device import choose_device, device_name
from retseg.core.errors import ConfigError, ImageError, RetsegError
from retseg.core.paths import REPORTS
from retseg.core.types import UInt8Array
from retseg.imaging.fov import estimate_fov
from retseg.imaging.geometry import Geometry
from retseg.imaging.io import read_image
from retseg.imaging.normalise import input_statistics
from retseg.inference.window import Axis
from retseg.models.effective_field import EffectiveField, effective_field
from retseg.models.field_picture import FieldPicture, write_field_picture
from retseg.models.latency import Latency, measure_latency
from retseg.models.summary import ModelSummary, summarise
from retseg.stages.find_net import NamedNet, find_net

PICTURES = REPORTS / "models"
SECONDS = 2.0
"""How long passes of one net are timed."""

_LONGEST_NAME = 50
_COLOURS, _GREY = 3, 1
"""Channels of a net's input that a photograph can fill."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class OptionRow:
    """An option of an architecture: its default, the net's own value, which values are allowed, what it does."""

    name: str
    default: str
    value: str
    allowed: str
    about: str


@dataclass(frozen=True, slots=True, eq=False)
class ShownNet:
    """A net in detail. `picture` is the file that its fields were drawn to."""

    net: NamedNet
    summary: ModelSummary
    options: tuple[OptionRow, ...]
    effective: EffectiveField | None
    picture: Path


@dataclass(frozen=True, slots=True, eq=False)
class ComparedNet:
    """A net's row in a comparison, or the reason why there is none."""

    name: str
    summary: ModelSummary | None = None
    latency: Latency | None = None
    reason: str = ""


def parse_size(text: str) -> Size:
    """Height and width from "96" or "96x128"."""
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text.strip())
    sides = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if min(sides) < 1:
        raise ConfigError("a size is one number of pixels, or height x width", where=text, fix="For example 96x128")
    return sides


def show_net(
    name: str,
    size: Size,
    *,
    channels: int | None = None,
    classes: int | None = None,
    assignments: Iterable[str] = (),
    photograph: Path | None = None,
    out: Path | None = None,
    device: str = "auto",
) -> ShownNet:
    """Summarises a net for inputs of `size` (height, width) and draws its receptive fields.

    Args:
        name: See `find_net`, as for `channels`, `classes` and `assignments`.
        size: Height and width of the input in pixels.
        channels: Input channels.
        classes: Output classes.
        assignments: Settings as `key=value`.
        photograph: Draws the effective receptive field on it, too.
        out: PNG file to write; reports/models/<name>.png when None.
        device: Where the effective field is computed.
    """
    picture = out if out is not None else PICTURES / f"{_file_name(name)}.png"
    if picture.suffix.lower() != ".png":
        raise ConfigError("the drawing is a PNG file", where=picture, fix="Give --out a name that ends in .png")
    net = find_net(name, channels=channels, classes=classes, assignments=assignments)
    summary = _summarise(net, size)
    window, effective = None, None
    if photograph is not None:
        tensor, window = _middle_of(photograph, net, size, summary.receptive_field)
        effective = effective_field(net.net, tensor.to(choose_device(device)))
    drawing = FieldPicture(
        title=_title(net, photograph),
        shape=size if window is None else (window.shape[0], window.shape[1]),
        multiple=net.multiple,
        field=summary.receptive_field,
        photograph=window,
        effective=effective,
    )
    write_field_picture(picture, drawing)
    return ShownNet(net, summary, tuple(_option_rows(net.options)), effective, picture)


def compare_nets(
    names: Sequence[str],
    size: Size,
    *,
    channels: int | None = None,
    classes: int | None = None,
    assignments: Iterable[str] = (),
    device: str = "auto",
    done: Callable[[str], None] = lambda name: None,
) -> tuple[list[ComparedNet], str]:
    """A row for each net, in the order given, and in words where latency was measured. `done` hears each name."""
    chosen, given = choose_device(device), list(assignments)
    rows = []
    for name in names:
        try:
            net = find_net(name, channels=channels, classes=classes, assignments=given)
            summary = _summarise(net, size)
            latency = measure_latency(net.net, summary.input_shape, chosen, SECONDS)
            rows.append(ComparedNet(name, summary, latency))
        except RetsegError as error:
            rows.append(ComparedNet(name, reason=error.line))
        except torch.OutOfMemoryError:
            rows.append(ComparedNet(name, reason=f"the memory of {device_name(chosen)} is too small for it."))
        done(name)
    return rows, device_name(chosen)


def _summarise(net: NamedNet, size: Size) -> ModelSummary:
    net.check_size(*size)
    if net.architecture is None:
        return summarise(net.net, net.in_channels, *size)
    return summarise(net.net, net.in_channels, *size, multiple=net.multiple)


def _title(net: NamedNet, photograph: Path | None) -> str:
    short = net.name if len(net.name) <= _LONGEST_NAME else f"...{net.name[3 - _LONGEST_NAME :]}"
    return short if photograph is None else f"{short} ({net.weights.split(' (')[0]}) on {photograph.name}"


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "net"


def _option_rows(options: Section | None) -> list[OptionRow]:
    if options is None:
        return []
    described = type(options).model_json_schema().get("properties", {})
    fields = type(options).model_fields
    return [
        OptionRow(
            name=name,
            default="" if fields[name].is_required() else _words(fields[name].get_default(call_default_factory=True)),
            value=_words(value),
            allowed=_allowed(described.get(name, {})),
            about=str(described.get(name, {}).get("description", "")),
        )
        for name, value in options.model_dump().items()
    ]


def _allowed(schema: dict[str, Any]) -> str:
    """Which values an option takes, as far as its JSON schema says so in few words."""
    if "enum" in schema:
        return ", ".join(map(_words, schema["enum"]))
    if schema.get("type") == "boolean":
        return "true, false"
    low, high = (schema.get(key) for key in ("minimum", "maximum"))
    above, below = (schema.get(key) for key in ("exclusiveMinimum", "exclusiveMaximum"))
    parts = [f"from {low}"] * (low is not None) + [f"above {above}"] * (above is not None)
    parts += [f"to {high}"] * (high is not None) + [f"below {below}"] * (below is not None)
    return " ".join(parts)


def _words(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower().replace("none", "null")
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _middle_of(path: Path, net: NamedNet, size: Size, field: Size | None) -> tuple[Tensor, UInt8Array]:
    """The middle of a photograph as the net's input (C, h, w), and as a picture (h, w, 3).

    It is cut to `size`, or to the theoretical field if that is larger, as far as the photograph reaches, and padded by
    reflection to what the net takes. A net that might take one size only gets exactly `size`.
    """
    if net.in_channels not in (_GREY, _COLOURS):
        raise ConfigError(
            f"a photograph has {_COLOURS} channels, or {_GREY} as grey, and the net takes {net.in_channels}",
            where=net.name,
            fix="Leave out --image, or choose --channels 3",
        )
    image = read_image(path)
    try:
        fov = estimate_fov(image)
    except ImageError as error:
        raise ImageError(error.what, where=path, fix=error.fix) from None
    geometry = Geometry.fit(fov, crop=net.input.crop, diameter=net.input.diameter)
    working = geometry.image_to_working(image)
    statistics = input_statistics(working, geometry.mask_to_working(fov), net.input.normalise)
    axes = []
    for pixels, side, reach in zip(working.shape[:2], size, field or (0, 0), strict=True):
        if net.takes_any_size:
            side = min(pixels, max(side, reach))
            side += -side % net.multiple
        axes.append(Axis(pixels, side, ()).pixels(-((side - pixels) // 2)))
    window = np.ascontiguousarray(working[np.ix_(*axes)])
    mean, std = torch.tensor(statistics.mean), torch.tensor(statistics.std)
    tensor = ((torch.from_numpy(window).float() / 255 - mean) / std).permute(2, 0, 1)
    return (tensor if net.in_channels == _COLOURS else tensor.mean(0, keepdim=True)).contiguous(), window
