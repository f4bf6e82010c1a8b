"""Whether an image is a photograph of the retina at all, from a few measures that a person can see with his own eyes.

A retina is round on a dark (or, on paper, white) ground; one hue with its shades; smooth, with vessels as its finest
and hardest lines. A cat, a page or a street is none of that. Only what is odd in several ways at once is certainly no
fundus photograph: a real one, however dark, blurred or diseased, must never lose its map. The limits lie beyond where
real photographs went that were spoilt in many ways (benchmarks/fundus_check.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.fov import fov_box
from retseg.imaging.region import rim_tolerance
from retseg.imaging.rim import fit_rim, outline

Level = Literal["fundus photograph", "doubtful", "no fundus photograph"]
FUNDUS: Level = "fundus photograph"
DOUBTFUL: Level = "doubtful"
NO_FUNDUS: Level = "no fundus photograph"

_SIDE = 256
"""Pixels of the longer side of the field of view on the small copy: all measures are taken at this scale."""

_PAPER = 230
"""Grey levels. What reaches this in all channels is as white as paper."""

_RIM_POINTS = 240
"""Points of a region's border that a circle is fitted to: enough to tell whether there is one."""

_SMOOTH = 10.0
"""Pixels of the small copy over which brightness is averaged to tell what is local: wider than any vessel."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How sure it is that an image is a photograph of the retina; the reasons are phrases for the user."""

    level: Level = FUNDUS
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What an image looks like inside its field of view. All but the first three are shares, 0 to 1 (or a little more).

    Attributes:
        round_field: Whether the field of view has a round rim, on a dark or a white ground.
        field: The field's share of the frame.
        span: Difference between its lightest and its darkest parts, in grey levels of any channel.
        colour: How far the channels lie apart, as a share of the brightest: 0 is grey, 1 a pure colour.
        hues: 0 where all colours have one hue, 1 where they cancel; 0 too where there is hardly any colour.
        edges: Steepness of its hardest edges, as a share of its span a pixel.
        busy: The same on average over all its pixels.
        contrasts: Share of its pixels that are a third lighter or darker than their surroundings.
        paper: Share of its pixels that are as white as paper.
        shading: How much brightness varies over the whole field, as a share of its mean.
        lines: Strength of dark lines, of any kind.
    """

    round_field: bool
    field: float
    span: float
    colour: float
    hues: float
    edges: float
    busy: float
    contrasts: float
    paper: float
    shading: float
    lines: float


def check_fundus(image: UInt8Array, fov: BoolArray) -> Verdict:
    """Looks whether an (H, W, 3) uint8 image with its field of view (H, W) is a photograph of the retina."""
    return judge(look(image, fov))


def judge(seen: Look) -> Verdict:
    """The verdict on what was seen. See `Look` for the measures."""
    reasons = _oddities(seen)
    if _certainly_none(seen):
        return Verdict(NO_FUNDUS, reasons)
    # A crop without any border is nothing to remark on by itself.
    return Verdict(DOUBTFUL, reasons) if set(reasons) - {_BORDERLESS} else Verdict()


# The hardest real photographs reach: hues 0.03, with a strong blue tint 0.3 (0.5 if diseased too); edges 0.16,
# diseased all over 0.23; busy 0.02, with strong noise 0.03; contrasts 0.05, diseased all over 0.12; paper 0.05. Their
# colour is 0.33 at least, or none. Shading stays above 0.03.
_HUES, _EDGES, _BUSY, _CONTRASTS, _WHITE = 0.20, 0.16, 0.04, 0.10, 0.40
_BORDERLESS = "no round field of view on a dark ground"


def _oddities(seen: Look) -> tuple[str, ...]:
    borderless, grey = not seen.round_field, seen.colour < 0.06
    found = {
        _BORDERLESS: borderless,
        "colours of many hues, as no retina has": seen.hues > _HUES,
        "colours paler than a retina's": borderless and 0.06 < seen.colour < 0.33,
        "edges harder than any vessel's": seen.edges > _EDGES,
        "fine texture or writing all over": seen.busy > _BUSY,
        "much that is far lighter or darker than its surroundings": seen.contrasts > _CONTRASTS,
        "mostly white as paper": seen.paper > _WHITE,
        "no vessels to be seen": borderless and seen.lines < (0.013 if grey else 0.003),
        "one even colour": seen.span < 3,
        "a field of view that fills very little of the frame": seen.field < 0.15,
    }
    return tuple(phrase for phrase, odd in found.items() if odd)


def _certainly_none(seen: Look) -> bool:
    """Odd in several ways at once, each by a margin."""
    hard, many_contrasts = seen.edges > 0.14, seen.contrasts > 0.09
    if seen.round_field:
        return seen.hues > 0.6 and hard and many_contrasts
    # Bleeding, exudates and a tinted camera can give hard edges and several hues, but not everywhere.
    busy = seen.busy > 0.019
    return (
        (seen.hues > 0.6 and (seen.edges > 0.12 or seen.contrasts > 0.06))
        or (seen.hues > 0.3 and hard and (busy or seen.contrasts > 0.12))
        or (0.06 < seen.colour < 0.5 and hard and many_contrasts and busy)
        or (seen.paper > 0.5 and hard)
        # Neither light nor shade, but hard edges all over: noise, a wall, a page.
        or (seen.shading < 0.05 and seen.edges > 0.22 and seen.colour < 0.5)
        or (seen.contrasts > 0.25 and hard)
    )


def look(image: UInt8Array, fov: BoolArray) -> Look:
    """Takes the measures of an (H, W, 3) uint8 image inside its field of view (H, W), on a small copy."""
    copy, inside = _small_copy(image, fov)
    round_field = _has_round_rim(image, fov)
    white = copy.min(axis=2) > _PAPER
    if not round_field and _corners(white) >= 2:
        printed = _largest(~white)
        if printed.mean() > 0.3 and _is_round(printed):
            round_field, inside = True, inside & printed
    core = ndimage.binary_erosion(inside, iterations=_SIDE // 32)
    if core.sum() < 64:
        core = inside
    grey = copy.mean(axis=2)
    span, edges, busy = _edges(grey, core)
    colour, hues = _colours(copy, core)
    weight = ndimage.gaussian_filter(inside.astype(np.float32), _SMOOTH) + np.float32(1e-6)
    local, around = _local(grey, inside, weight)
    return Look(
        round_field=round_field,
        field=float(fov.mean()),
        span=float(max(np.ptp(np.percentile(copy[core], (1, 99), axis=0), axis=0))),
        colour=colour,
        hues=hues if colour > 0.1 else 0.0,
        edges=edges if span >= 3 else 0.0,
        busy=busy if span >= 3 else 0.0,
        contrasts=float((np.abs(ndimage.gaussian_filter(local, 1.0)[core]) > 0.3).mean()),
        paper=float(white[core].mean()),
        shading=float(around[core].std() / max(around[core].mean(), 4.0)),
        lines=_lines(_local(copy[..., 1], inside, weight)[0], core),
    )


def _small_copy(image: UInt8Array, fov: BoolArray) -> tuple[Float32Array, BoolArray]:
    """The box of the field of view, its longer side `_SIDE` pixels: the image (h, w, 3), the field (h, w)."""
    top, left, height, width = fov_box(fov)
    scale = _SIDE / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))

    def shrunk(values: UInt8Array) -> UInt8Array:
        picture = Image.fromarray(values[top : top + height, left : left + width])
        factor = max(1, int(0.5 / scale))
        picture = picture.reduce(factor) if factor > 1 else picture
        return np.asarray(picture.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR))

    return shrunk(image).astype(np.float32), shrunk(fov.astype(np.uint8) * 255) > 127


def _has_round_rim(image: UInt8Array, fov: BoolArray) -> bool:
    step = max(1, max(fov.shape) // 350)
    small = fov[::step, ::step]
    if small.all() or small.mean() < 0.2:
        return False
    dark = np.median(image[::step, ::step].max(axis=2)[~small]) < 40
    return bool(dark) and _is_round(small)


def _is_round(region: BoolArray) -> bool:
    """Whether most of a region's (h, w) border inside the frame lies on a circle, for a third of the way at least."""
    points = outline(np.where(region, np.float32(0.5), np.float32(-0.5)))
    points = points[:: max(1, len(points) // _RIM_POINTS)]
    tolerance = rim_tolerance((region.shape[0], region.shape[1]))
    rim = fit_rim(points, (region.shape[0], region.shape[1]), tolerance)
    if rim is None:
        return False
    agreeing, directions = rim.agreement(points, tolerance)
    return agreeing > 0.45 and directions >= 12


def _corners(mask: BoolArray) -> int:
    """How many of the four corners are set."""
    return int(
        sum(
            mask[rows, columns].mean() > 0.9
            for rows in (slice(5), slice(-5, None))
            for columns in (slice(5), slice(-5, None))
        )
    )


def _largest(mask: BoolArray) -> BoolArray:
    """The largest connected part, without holes."""
    labels, count = ndimage.label(ndimage.binary_opening(mask, iterations=2))
    if not count:
        return mask
    filled: BoolArray = ndimage.binary_fill_holes(labels == 1 + np.bincount(labels.ravel())[1:].argmax())
    return filled


def _colours(copy: Float32Array, core: BoolArray) -> tuple[float, float]:
    """How colourful it is, and how far apart the hues lie, each weighted by how colourful it is."""
    colours = ndimage.gaussian_filter(copy, (2, 2, 0))[core]
    lit = colours[colours.max(axis=1) > 20]
    if not len(lit):
        return 0.0, 0.0
    colour = float(np.ptp(lit, axis=1).sum() / lit.max(axis=1).sum())
    red, green, blue = lit.T
    across, up = red - 0.5 * (green + blue), 0.866 * (green - blue)
    strength = float(np.hypot(across, up).sum())
    return colour, 1 - float(np.hypot(across.sum(), up.sum())) / strength if strength else 0.0


def _edges(grey: Float32Array, core: BoolArray) -> tuple[float, float, float]:
    """Span in grey levels, then steepness of the hardest hundredth of all edges and of all, in spans a pixel."""
    span = max(float(np.ptp(np.percentile(ndimage.gaussian_filter(grey, 1.0)[core], (1, 99)))), 1.0)
    # A camera's noise is finer than texture and writing: the mean is taken where noise is smoothed away.
    fine, coarse = (ndimage.gaussian_gradient_magnitude(grey, sigma)[core] for sigma in (1.3, 2.3))
    return span, float(np.percentile(fine, 99)) / span, float(coarse.mean()) / span


def _local(values: Float32Array, inside: BoolArray, weight: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Each pixel's difference from its surroundings inside the field, as a share of their brightness; and that.

    `weight` is the field, smoothed likewise: what lies outside does not count.
    """
    around: Float32Array = ndimage.gaussian_filter(values * inside, _SMOOTH) / weight
    local: Float32Array = ((values - around) / np.maximum(around, 8)).astype(np.float32, copy=False)
    return local, around


def _lines(local: Float32Array, core: BoolArray) -> float:
    """Mean strength of dark lines of a vessel's width: curved across and not along."""
    strongest: Float32Array = np.zeros(local.shape, np.float32)
    for sigma in (1.5, 2.5):
        across, down, mixed = (ndimage.gaussian_filter(local, sigma, order=order) for order in ((0, 2), (2, 0), (1, 1)))
        middle, half = (across + down) / 2, np.hypot((across - down) / 2, mixed)
        strongest = np.maximum(strongest, np.float32(sigma**2) * (middle + half - np.abs(middle - half)))
    return float(strongest[core].mean())
