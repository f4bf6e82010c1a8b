"""retseg: retinal vessel segmentation, from fundus photographs to a report.

The functions here do what the commands of the same name do, with the same defaults:

    import retseg

    prepared = retseg.prepare(dataset="folder", root="photographs")
    run = retseg.train(prepared, arch="unet", set={"train.epochs": 20})
    result = retseg.predict("photos/", run=run, out="result")
    scores = retseg.evaluate(run=run)
    page = retseg.report(run=run)
    differences = retseg.compare([run, "scores-of-their-maps"])["pairs"]

`retseg.load(run)` gives the trained net as a function from one photograph to class probabilities.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retseg.stages.api import compare, evaluate, load, predict, prepare, report, train

__all__ = ["compare", "evaluate", "load", "predict", "prepare", "report", "train"]


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `retseg --help` stays fast.
    if name in __all__:
        return getattr(import_module("retseg.stages.api"), name)
    raise AttributeError(f"module 'retseg' has no attribute '{name}'")
