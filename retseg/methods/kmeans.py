"""k-means: pixels fall into groups by how dark and how much like a ridge their neighbourhood is."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage
from scipy.cluster.vq import kmeans2

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.methods.contrast import dark_contrast
from retseg.methods.matched_filter import tophat
from retseg.methods.method import Fitted, Method, MethodParameters, Sigmas
from retseg.methods.ridge_filters import ridges

_SAMPLE = 20_000
"""Pixels that the groups are found from, evenly spaced over the field of view."""

_TOPHAT = 8
_ITERATIONS = 50
_LEAST_SPREAD = 0.02
"""Deviation of a feature below which it shows noise, which is not blown up."""


class KMeansParameters(MethodParameters):
    """`clusters`: number of groups; the one most like a vessel is taken. `sigmas`: scales in pixels of the features."""

    clusters: int = Field(3, ge=2, le=12)
    sigmas: Sigmas = (1.5, 2.5, 4.0)


def _features(contrast: Float32Array, fov: BoolArray, sigmas: tuple[float, ...]) -> NDArray[np.float64]:
    """(pixels inside the field, features): smoothed contrast, top-hat, and the ridge measure at each scale."""
    maps = [ndimage.gaussian_filter(contrast, min(sigmas)), tophat(contrast, _TOPHAT)]
    maps += [ridges(contrast, (sigma,)) for sigma in sigmas]
    columns = []
    for values in maps:
        inside = values[fov].astype(np.float64)
        columns.append((inside - np.median(inside)) / max(float(inside.std()), _LEAST_SPREAD))
    return np.stack(columns, axis=1)


def _kmeans(image: UInt8Array, fov: BoolArray, parameters: KMeansParameters, fitted: Fitted | None) -> Float32Array:
    score = np.zeros(fov.shape, np.float32)
    if not fov.any():
        return score
    features = _features(dark_contrast(image, fov), fov, parameters.sigmas)
    some = features[:: max(1, len(features) // _SAMPLE)]
    # Starting points by rank of likeness, not by chance: the same photograph always falls into the same groups.
    ranks = 1 - np.geomspace(0.5, 0.02, parameters.clusters)
    order = np.argsort(some.mean(axis=1), kind="stable")
    start = np.unique(some[order[np.minimum((ranks * len(some)).astype(int), len(some) - 1)]], axis=0)
    if len(start) < 2:
        return score
    with warnings.catch_warnings():
        # A group that has lost all its pixels keeps its place, which is what is wanted.
        warnings.simplefilter("ignore")
        centres, _ = kmeans2(some, start, iter=_ITERATIONS, minit="matrix")
    distances = np.stack([np.sqrt(((features - centre) ** 2).sum(axis=1)) for centre in centres], axis=1)
    vessel = int(np.argmax(centres.mean(axis=1)))
    own, other = distances[:, vessel], np.delete(distances, vessel, axis=1).min(axis=1)
    # Noise falls into groups as well, but into groups that differ by less than the deviation of a feature.
    apart = float(centres[vessel].mean() - np.delete(centres, vessel, axis=0).mean())
    # One half where the pixel lies as near to the group of vessels as to the nearest other one.
    score[fov] = min(1.0, max(0.0, apart)) * other / np.maximum(own + other, 1e-12)
    return score


KMEANS = Method(
    name="kmeans",
    title="k-means clustering",
    about="Groups pixels by local features and takes the group most like vessels; the score says how near it is.",
    citation="Lloyd, 'Least squares quantization in PCM', IEEE Transactions on Information Theory 28(2), 1982",
    parameters=KMeansParameters,
    function=_kmeans,
    grid={"clusters": (2, 3, 4), "sigmas": ((1.5, 2.5, 4.0), (2.0, 4.0))},
)
