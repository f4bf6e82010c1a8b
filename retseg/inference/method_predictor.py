"""A tuned training-free method as a function from photographs to class probabilities, in the place of a net."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from retseg.core.errors import CheckpointError, ConfigError, ImageError, InputError
from retseg.core.paths import write_atomically
from retseg.core.types import BoolArray, Classes, Float32Array, UInt8Array
from retseg.inference.card import CARD_FORMAT, Card
from retseg.inference.prediction import Prediction
from retseg.methods.method import require_task
from retseg.methods.registry import METHODS

if TYPE_CHECKING:
    from retseg.methods.method import Fitted, Method, MethodParameters

METHOD_FILE = "method.json"
FITTED_FILE = "fitted.safetensors"
_FIX = "Tune it again: `retseg predict --method NAME --force`"


@dataclass(frozen=True, slots=True, eq=False)
class TunedMethod:
    """A method ready to use: the card says with which parameters, `fitted` holds what it has learnt, if anything."""

    card: Card
    fitted: Fitted | None = None


def save_method(folder: Path, tuned: TunedMethod) -> None:
    """Writes `method.json` (the card) and, where there are any, the fitted arrays into `folder`."""
    if tuned.fitted is not None:
        write_atomically(folder / FITTED_FILE, save({k: np.ascontiguousarray(v) for k, v in tuned.fitted.items()}))
    write_atomically(folder / METHOD_FILE, json.dumps(tuned.card.to_json(), indent=1, allow_nan=False) + "\n")


def read_method_card(path: Path) -> Card:
    """The card of a `method.json`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data["format"]
        if version == CARD_FORMAT:
            return Card.from_json(data)
    except FileNotFoundError:
        raise InputError("no tuned method is here", where=path, fix="Check the path") from None
    except (OSError, KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
        reason = error.what if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
        raise CheckpointError(f"the method's card cannot be read ({reason})", where=path, fix=_FIX) from None
    raise CheckpointError(
        f"the method's card has format version {version!r}; this retseg reads version {CARD_FORMAT}",
        where=path,
        fix="Install the retseg that wrote it, or tune again",
    )


def load_method(path: Path) -> TunedMethod:
    """The tuned method whose `method.json` this is, with its fitted arrays."""
    card, arrays = read_method_card(path), path.with_name(FITTED_FILE)
    if not arrays.is_file():
        return TunedMethod(card)
    try:
        return TunedMethod(card, load_file(arrays))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"corrupted or not a safetensors file ({error})", where=arrays, fix=_FIX) from None


class MethodPredictor:
    """Carries a tuned method over whole photographs; it is used like the predictor of a net.

    Args:
        tuned: The method's card and what it has learnt.

    Attributes:
        seconds: Time that the method has taken so far.
    """

    def __init__(self, tuned: TunedMethod) -> None:
        self.card = tuned.card
        self.fitted = tuned.fitted
        self.method: Method = METHODS.get(self.card.arch)
        self.parameters: MethodParameters = self.method.options(self.card.options)
        require_task(self.method, self.card.classes)
        self.seconds = 0.0

    @property
    def classes(self) -> Classes:
        """The class table of the probabilities."""
        return self.card.classes

    def probabilities(self, image: UInt8Array, fov: BoolArray) -> Float32Array:
        """Class probabilities (classes, H, W) in 0..1 of one (H, W, 3) photograph with its (H, W) field of view."""
        started = time.perf_counter()
        found = class_probabilities(self.method, self.parameters, self.fitted, self.classes, image, fov)
        self.seconds += time.perf_counter() - started
        return found

    def probabilities_of_many(self, photographs: Iterable[tuple[str, UInt8Array, BoolArray]]) -> Iterator[Prediction]:
        """Predicts (id, image, field of view) one after another, in their order."""
        for identifier, image, fov in photographs:
            try:
                found = self.probabilities(image, fov)
            except ImageError as error:
                raise ImageError(error.what, where=identifier or None, fix=error.fix) from None
            yield Prediction(identifier, image, fov, found)


def class_probabilities(
    method: Method,
    parameters: MethodParameters,
    fitted: Fitted | None,
    classes: Classes,
    image: UInt8Array,
    fov: BoolArray,
) -> Float32Array:
    """Class probabilities (classes, H, W) from a method's scores.

    Inside the field of view the positive class has the score, and the other scored classes share the rest evenly.
    Outside it is surely the class "outside" where the task has one, and every probability is 0 where it has none.
    """
    scores = method.scores(image, fov, parameters, fitted)
    if not np.isfinite(scores).all():
        raise ImageError(f"the method '{method.name}' returned values that are not numbers")
    if method.every_class:
        found = scores
    else:
        assert classes.positive is not None
        found = np.zeros((classes.count, *fov.shape), np.float32)
        others = [index for index in classes.scored if index != classes.positive]
        found[classes.positive] = scores
        for index in others:
            found[index] = np.where(fov, (1 - scores) / np.float32(len(others)), 0)
    if found.shape != (classes.count, *fov.shape):
        raise ConfigError(
            f"the method '{method.name}' returned {found.shape} instead of {(classes.count, *fov.shape)}",
            fix="It was fitted for another class table: tune it again",
        )
    if classes.outside is not None:
        found[classes.outside][~fov] = 1.0
    return found
