"""Recipes: named sets of defaults over several sections. Whatever a user writes down wins over them."""

from __future__ import annotations

from typing import Any

NO_AUGMENTATION: dict[str, Any] = {
    "flips": {"horizontal": 0.0, "vertical": 0.0, "diagonal": 0.0},
    **{
        name: {"probability": 0.0}
        for name in ("rotation", "scale", "brightness", "contrast", "gamma", "colour", "blur", "noise")
    },
}

RECIPES: dict[str, dict[str, Any]] = {
    "default": {"loss": {"name": "dice-cross-entropy"}},
    # The lecture's own way. It printed the sum of the batches' means over the number of patches (600), which with
    # batches of ten is a tenth of the mean over the pixels that history.csv holds.
    "lecture": {
        "input": {"normalise": "unit", "crop": False, "diameter": None},
        "loss": {"name": "nll"},
        "train": {
            "epochs": 100,
            "steps_per_epoch": None,
            "batch": 10,
            "optimiser": "adam",
            "lr": 1e-3,
            "weight_decay": 0.0,
            "schedule": "constant",
            "warmup": 0.0,
            "ema": 0.0,
            "validation_fraction": 0.0,
            "keep": "last",
            "class_weights": None,
            "mixed_precision": "off",
            "test_curve": True,
        },
        "sampling": {"patch_size": 224, "patches_per_image": 30, "fixed": True, "balance": 0.0},
        "augment": NO_AUGMENTATION,
    },
}
"""Nested overrides of the sections' defaults, by the recipe's name."""
