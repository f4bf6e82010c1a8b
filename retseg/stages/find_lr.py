"""find-lr: which learning rate to train with, looked for in a minute before the training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retseg.core.device import choose_device, device_name
from retseg.core.manifest import Manifest
from retseg.core.paths import RUNS
from retseg.core.progress import progress
from retseg.datasets.prepared import PreparedSet
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings
from retseg.stages.train import job_of, plan_of

STAGE = "find-lr"
VERSION = 1


def find_lr(
    settings: Settings, prepared: Path, *, out: Path | None = None, device: str = "auto", force: bool = False
) -> StageResult:
    """Tries learning rates on the training photographs; writes learning_rates.csv and learning_rates.png.

    Args:
        settings: The configuration of the training; its learning rates and its length count for nothing.
        prepared: Folder of the prepared set.
        out: Folder to write; `runs/<dataset>-<arch>-find-lr-<key>` when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        force: Do it again even if nothing changed.
    """
    chosen = choose_device(device)
    data = PreparedSet.open(prepared)
    trained = plan_of(settings, Manifest.read(prepared), device_name(chosen))
    plan = Plan(STAGE, VERSION, trained.config, trained.inputs, seed=settings.seed, device=trained.device)
    folder = out or RUNS / f"{data.name}-{settings.model.arch}-find-lr-{plan.key[:6]}"

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        from retseg.training.lr_finder import find_learning_rate, write_search

        with progress("Trying learning rates", None, unit="step") as bar:
            search = find_learning_rate(job_of(settings, data, partial, chosen, bar=bar))
        write_search(search, partial, f"{settings.model.arch} on {data.name}")
        words = f"The loss falls fastest at a learning rate of {search.suggestion:.1e}: --set train.lr="
        return {"learning_rate": search.suggestion, "suggestion": f"{words}{search.suggestion:.1e}"}

    return run_stage(plan, folder, work, force=force)
