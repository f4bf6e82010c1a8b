"""The random walker: how likely a walker who avoids edges reaches a seed of vessel before one of retina."""

from __future__ import annotations

import warnings

import numpy as np
from pydantic import Field
from skimage.segmentation import random_walker

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.methods.contrast import dark_contrast
from retseg.methods.method import Fitted, Method
from retseg.methods.seeds import SeedParameters, ridge_score

_VESSEL, _RETINA, _NOWHERE = 1, 2, -1
_TOLERANCE = 1e-3


class RandomWalkerParameters(SeedParameters):
    """`beta`: how much the walker avoids a difference in contrast; 130 is Grady's and scikit-image's usual value."""

    beta: float = Field(130.0, gt=0)
    not_sure: float = Field(0.3, gt=0, lt=1)


def _random_walker(
    image: UInt8Array, fov: BoolArray, parameters: RandomWalkerParameters, fitted: Fitted | None
) -> Float32Array:
    contrast = dark_contrast(image, fov)
    score = ridge_score(contrast, fov, parameters.sigmas)
    seeds = np.where(score > parameters.sure, _VESSEL, np.where(score < parameters.not_sure, _RETINA, 0))
    seeds[~fov] = _NOWHERE
    if not ((seeds == _VESSEL).any() and (seeds == _RETINA).any() and (seeds == 0).any()):
        return np.asarray(seeds == _VESSEL, np.float32)
    with warnings.catch_warnings():
        # It warns of regions that no seed can reach; they stay at 0, which is what is wanted.
        warnings.simplefilter("ignore")
        found = random_walker(contrast, seeds, beta=parameters.beta, mode="cg_j", tol=_TOLERANCE, return_full_prob=True)
    return np.clip(np.where(fov, found[0], 0), 0, 1).astype(np.float32)


RANDOM_WALKER = Method(
    name="random-walker",
    title="Random walker",
    about="The probability that a walker who avoids edges comes to a strong ridge before a place without any ridge.",
    citation="Grady, 'Random walks for image segmentation', IEEE Transactions on Pattern Analysis and Machine "
    "Intelligence 28(11), 2006",
    parameters=RandomWalkerParameters,
    function=_random_walker,
    grid={"sure": (0.5, 0.6), "not_sure": (0.2, 0.35), "beta": (130.0, 1000.0)},
)
