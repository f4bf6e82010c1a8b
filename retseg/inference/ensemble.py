"""Several predictors as one: the mean of their class probabilities, and the card and threshold that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import tee
from pathlib import Path
from statistics import fmean

import numpy as np

from retseg.core.errors import CheckpointError
from retseg.core.types import BoolArray, Classes, Float32Array, OperatingPoint, UInt8Array
from retseg.inference.card import Card
from retseg.inference.config import PredictConfig
from retseg.inference.prediction import Prediction, Predicts


class Ensemble:
    """The mean of several predictors' class probabilities.

    Each member carries a photograph to its own input grid and back, so members may differ in everything but their
    classes.

    Args:
        members: The predictors; one or more, all of the same classes.
    """

    def __init__(self, members: Sequence[Predicts]) -> None:
        self.members = tuple(members)

    @property
    def classes(self) -> Classes:
        """The class table of the probabilities."""
        return self.members[0].classes

    @property
    def seconds(self) -> float:
        """Time that all members have taken so far."""
        return sum(member.seconds for member in self.members)

    def probabilities(self, image: UInt8Array, fov: BoolArray) -> Float32Array:
        """Class probabilities (classes, H, W) in 0..1 of one (H, W, 3) photograph with its (H, W) field of view."""
        return _mean([member.probabilities(image, fov) for member in self.members])

    def probabilities_of_many(self, photographs: Iterable[tuple[str, UInt8Array, BoolArray]]) -> Iterator[Prediction]:
        """Predicts (id, image, field of view) one after another, in their order.

        The members go through the photographs side by side, so that only those are in memory that one of them is at.
        """
        copies = tee(photographs, len(self.members))
        streams = [one.probabilities_of_many(copy) for one, copy in zip(self.members, copies, strict=True)]
        for first, *others in zip(*streams, strict=True):
            predictions = [first, *others]
            mean = self._mean(predictions)
            yield Prediction(first.id, first.image, first.fov, mean, _mean_heads(predictions))

    def _mean(self, predictions: Sequence[Prediction]) -> Float32Array:
        """The mean probabilities: of all classes where all members tell them, else of the positive class alone."""
        if all(len(one.probabilities) == self.classes.count for one in predictions):
            return _mean([one.probabilities for one in predictions])
        return _mean([one.positive(self.classes)[None] for one in predictions])


def _mean(maps: Sequence[Float32Array]) -> Float32Array:
    total = maps[0].copy()
    for other in maps[1:]:
        total += other
    total /= np.float32(len(maps))
    # Rounding may carry a sum of ones past one in the last digit.
    return np.minimum(total, np.float32(1), out=total)


def _mean_heads(predictions: Sequence[Prediction]) -> dict[str, Float32Array]:
    """The mean of each head that all members have."""
    shared = [name for name in predictions[0].heads if all(name in one.heads for one in predictions)]
    return {name: np.mean([one.heads[name] for one in predictions], axis=0) for name in shared}


def refuse_different_classes(members: Sequence[tuple[Path, Card]]) -> None:
    """Raises CheckpointError, naming two runs and their classes, unless all cards have the same classes."""
    first, card = members[0]
    for path, other in members[1:]:
        mine, theirs = card.classes, other.classes
        if not mine.mean_the_same(theirs):
            raise CheckpointError(
                f"the runs have different classes, so their probabilities have no mean: {first} has "
                f"{', '.join(mine.names)}, {path} has {', '.join(theirs.names)}",
                fix="Give runs that were trained for the same classes",
            )


def ensemble_card(cards: Sequence[Card]) -> Card:
    """The card of an ensemble: whatever patient any member has seen, the ensemble has seen.

    Patients of the first member's dataset stand where a single net's would; `seen` holds everyone of every dataset.
    """
    first = cards[0]
    alike = [card for card in cards if card.dataset == first.dataset]
    seen: dict[str, set[str]] = {}
    for card in cards:
        for dataset, patients in card.everyone_seen().items():
            seen.setdefault(dataset, set()).update(patients)
    architectures = list(dict.fromkeys(card.arch for card in cards))
    return Card(
        arch="+".join(architectures),
        options=first.options if all(card.options == first.options for card in cards) else {},
        classes=first.classes,
        input=first.input,
        predict=first.predict if all(card.predict == first.predict for card in cards) else PredictConfig(),
        in_channels=first.in_channels,
        heads=tuple(name for name in first.heads if all(name in card.heads for card in cards)),
        # A class that any member has seen can be found.
        unseen=tuple(name for name in first.unseen if all(name in card.unseen for card in cards)),
        dataset=first.dataset,
        train_patients=_union(card.train_patients for card in alike),
        validation_patients=_union(card.validation_patients for card in alike),
        operating_point=mean_point([card.operating_point for card in cards]),
        seen={dataset: tuple(sorted(patients)) for dataset, patients in sorted(seen.items())},
        seed=first.seed,
        recipe=first.recipe,
        retseg=first.retseg,
        torch=first.torch,
    )


def mean_point(points: Sequence[OperatingPoint | None]) -> OperatingPoint | None:
    """The mean of the members' frozen thresholds; None where a member has none, since half a mean decides nothing.

    The patients that the thresholds were fitted on are named where they are of one dataset.
    """
    fitted = [point for point in points if point is not None]
    if not fitted or len(fitted) < len(points):
        return None
    thresholds = [point.threshold for point in fitted]
    criteria = " or ".join(dict.fromkeys(point.criterion for point in fitted))
    datasets = {point.dataset for point in fitted}
    splits = {point.split for point in fitted}
    return OperatingPoint(
        threshold=fmean(thresholds),
        criterion=f"mean of {len(fitted)} members' frozen thresholds ({min(thresholds):.4f} to {max(thresholds):.4f}), "
        f"each with {criteria}",
        dataset=fitted[0].dataset if len(datasets) == 1 else "",
        split=fitted[0].split if len(splits) == 1 else "training",
        patients=_union(point.patients for point in fitted) if len(datasets) == 1 else (),
    )


def _union(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({name for group in groups for name in group}))
