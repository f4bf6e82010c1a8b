"""A recipe trained on one camera and judged on another's training photographs, and the reverse: the guide for choices.

    python benchmarks/cross_camera.py pipelines/weights.yaml --datasets chase hrf --set train.minutes=10
    python benchmarks/cross_camera.py pipelines/weights.yaml --seeds 0 1 2

Takes the settings of a pipeline file (of its first run, or of `--run NAME`), puts each set in the place of its dataset,
trains, and scores the photographs of the other sets' training split, whose patients the weights never met. No test
photograph is opened. What is trained, predicted and scored already is not done again.
"""

from __future__ import annotations

import argparse
import json
from itertools import permutations
from pathlib import Path
from typing import Any

from retseg.core.errors import RetsegError
from retseg.core.manifest import Manifest
from retseg.core.paths import RUNS
from retseg.stages.evaluate import evaluate
from retseg.stages.pipeline import find_pipeline, read_pipeline
from retseg.stages.predict import predict_prepared
from retseg.stages.prepare import prepared_set
from retseg.stages.settings import Settings, load_settings
from retseg.stages.train import plan_of, train

FIGURES = {"AUC": "auc", "Dice": "dice", "clDice": "cldice", "Betti-0 error": "betti0", "ECE": "ece"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pipeline", type=Path, help="a pipeline file, or the name of a shipped one")
    parser.add_argument("--run", help="the run whose settings are taken; the file's first")
    parser.add_argument("--datasets", nargs="+", default=["chase", "hrf"], help="names, or prepared folders")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--split", default="train", choices=["train", "validation"], help="what is judged")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, as for retseg")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    try:
        show(arguments)
    except RetsegError as error:
        parser.exit(1, f"{error.line}\n")


def show(arguments: argparse.Namespace) -> None:
    folders = [prepared_set(load_settings({}, (), {"dataset.name": name})).folder for name in arguments.datasets]
    pairs = list(permutations(folders, 2))
    print(f"| trained on | judged on | {' | '.join(FIGURES)} |\n| --- | --- |{' --- |' * len(FIGURES)}")
    for seed in arguments.seeds:
        sets = [*arguments.set, f"evaluate.split={arguments.split}"]
        heading, runs = read_pipeline(find_pipeline(arguments.pipeline), sets, seed)
        settings = runs[arguments.run] if arguments.run else next(iter(runs.values()))
        for here, there in pairs:
            run = trained(settings, here, f"{heading.name}-on", arguments.device)
            pooled = scored(settings, run, there, arguments.device)["pooled"]
            names = f"{dataset_of(here)}, seed {seed} | {dataset_of(there)}, {arguments.split}"
            print(f"| {names} | {' | '.join(f'{pooled[metric]:.4f}' for metric in FIGURES.values())} |", flush=True)


def dataset_of(prepared: Path) -> str:
    return str(Manifest.read(prepared).facts["dataset"])


def trained(settings: Settings, prepared: Path, label: str, device: str) -> Path:
    """The run's folder; its name holds the key of all that the training depends on."""
    run = RUNS / f"{label}-{dataset_of(prepared)}-{plan_of(settings, Manifest.read(prepared)).key[:6]}"
    return train(settings, prepared, out=run, device=device).folder.parent


def scored(settings: Settings, run: Path, prepared: Path, device: str) -> dict[str, Any]:
    """The summary of one split of another camera's set, beside any results on its test photographs."""
    name = f"{dataset_of(prepared)}-{settings.evaluate.split}"
    maps = predict_prepared(settings, prepared, run=run, out=run / "predict" / name, device=device).folder
    scores = evaluate(settings, prepared, predictions=maps, out=run / "evaluate" / name).folder
    summary: dict[str, Any] = json.loads((scores / "summary.json").read_text(encoding="utf-8"))
    return summary


if __name__ == "__main__":
    main()
