"""The facts of a training: with what, on which patches, for how long, and what was special about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retseg.reporting.making import TRAIN, fact, loss_name, made_with, recipe, setting
from retseg.reporting.run_files import RunRecord
from retseg.reporting.wording import capitalised, counted, duration, whole

Teller = Callable[[RunRecord], str | None]
"""What a run has to say on one fact: "" is nothing to say, None that it is not known."""

BEGAN_WITH = "Began with"


def training_rows() -> dict[str, Teller]:
    """What every training has."""

    def optimiser(record: RunRecord) -> str | None:
        name = setting(record, "train", "optimiser")
        rate, batch = setting(record, "train", "lr"), setting(record, "train", "batch")
        parts = [
            str(name) if name else "",
            f"learning rate {rate:g}" if rate is not None else "",
            f"batch {batch}" if batch is not None else "",
        ]
        return ", ".join(part for part in parts if part) or None

    def patches(record: RunRecord) -> str | None:
        # What a share of the photograph's area came to is known only once the photographs are.
        size = fact(record, "patch_size") or setting(record, "sampling", "patch_size")
        count = setting(record, "sampling", "patches_per_image")
        if size is None:
            return None
        if count is None:
            steps, batch = setting(record, "train", "steps_per_epoch"), setting(record, "train", "batch")
            drawn = f", {whole(steps * batch)} an epoch" if steps and batch else ""
            return f"{size} × {size} pixels, anew in every epoch{drawn}"
        fixed = "the same in every epoch" if setting(record, "sampling", "fixed") else "anew in every epoch"
        return f"{count} of {size} × {size} pixels from each image, {fixed}"

    def epochs(record: RunRecord) -> str | None:
        done, steps = len(record.history), fact(record, "steps")
        if not done:
            return None
        return f"{whole(done)} ({counted(int(steps), 'step')})" if steps else whole(done)

    def kept(record: RunRecord) -> str | None:
        why = fact(record, "kept")
        return None if why is None else str(why).rstrip(".")

    def device(record: RunRecord) -> str | None:
        parts = (made_with(record.train, "device"), fact(record, "precision"))
        return ", ".join(str(part) for part in parts if part) or None

    def wall_time(record: RunRecord) -> str | None:
        seconds = fact(record, "training_seconds") or made_with(record.train, "seconds")
        return None if seconds is None else duration(float(seconds))

    def seed(record: RunRecord) -> str | None:
        value = made_with(record.train, "seed")
        return None if value is None else str(value)

    return {
        "Recipe": recipe,
        "Loss": loss_name,
        "Optimiser": optimiser,
        "Patches": patches,
        "Epochs": epochs,
        "Weights": kept,
        "Seed": seed,
        "Device": device,
        "Time to train": wall_time,
    }


def course_rows() -> dict[str, Teller]:
    """What was special about a training. Most have none of it, and older ones did not write it down."""

    def told(name: str, words: Callable[[Any], str]) -> Teller:
        def tell(record: RunRecord) -> str | None:
            if record.train is None or record.train.stage != TRAIN:
                return None
            value = fact(record, name)
            # Not there, null, 0 and "" all mean that there was no such thing.
            return words(value) if value else ""

        return tell

    def sentence(value: Any) -> str:
        return capitalised(str(value).rstrip("."))

    def minutes(value: Any) -> str:
        return f"{value:g}\N{NO-BREAK SPACE}min" if isinstance(value, int | float) else sentence(value)

    def frozen(value: Any) -> str:
        if value == "all" or value is True:
            return "in all epochs"
        if not isinstance(value, int):
            return sentence(value)
        return "in the first epoch" if value == 1 else f"in the first {counted(value, 'epoch')}"

    def overfit(value: Any) -> str:
        if value is True or not isinstance(value, int):
            return "yes" if value is True else sentence(value)
        return f"{counted(value, 'photograph')}, to be learned by heart"

    return {
        BEGAN_WITH: told("transfer", sentence),
        "Encoder frozen": told("frozen_epochs", frozen),
        "Overfitted on purpose": told("overfit", overfit),
        "Time budget": told("minutes", minutes),
        "Ended early": told("stopped", sentence),
    }
