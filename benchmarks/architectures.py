"""The table and the picture of a pipeline's runs: what each net costs, what it reaches, and how its loss fell.

    retseg run pipelines/architectures.yaml --root CHASE_DB1
    python benchmarks/architectures.py runs/architectures-* --picture benchmarks/architectures.png

Prints Markdown. The clock ends each training, so the losses of its whole epochs are drawn over minutes.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import re
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

COLUMNS = ("net", "parameters", "epochs", "s an epoch", "s a photograph", "validation Dice", "AUC", "Dice", "clDice")
INK = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders below runs/")
    parser.add_argument("--picture", type=Path, help="where to draw the losses")
    arguments = parser.parse_args()
    found = [read(run) for run in arguments.runs if (run / "train" / "manifest.json").is_file()]
    found.sort(key=lambda run: -run["dice"])
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    for run in found:
        print(f"| `{run['name']}` | {' | '.join(cells(run))} |")
    if arguments.picture:
        draw(found, arguments.picture)


def read(run: Path) -> dict[str, Any]:
    trained = json.loads((run / "train" / "manifest.json").read_text())["facts"]
    with (run / "train" / "history.csv").open(newline="") as file:
        history = [{key: float(value or "nan") for key, value in row.items()} for row in csv.DictReader(file)]
    dataset = trained["dataset"]
    predicted = json.loads((run / "predict" / dataset / "manifest.json").read_text())["facts"]
    pooled = json.loads((run / "evaluate" / dataset / "summary.json").read_text())["pooled"]
    return {
        "name": re.sub(r"^architectures-|-[0-9a-f]{6}$", "", run.name),
        "parameters": trained["parameters"],
        "epochs": trained["epochs"],
        "each": trained["training_seconds"] / trained["epochs"],
        "latency": predicted.get("net_seconds", math.nan) / predicted["images"],
        "validation": trained["validation_dice"],
        "history": history,
        **{name: pooled[name] for name in ("auc", "dice", "cldice")},
    }


def cells(run: dict[str, Any]) -> list[str]:
    scores = [f"{run['auc']:.4f}", *(f"{run[name]:.3f}" for name in ("dice", "cldice"))]
    costs = [f"{run['parameters']:,}", str(run["epochs"]), f"{run['each']:.0f}", f"{run['latency']:.1f}"]
    return [*costs, f"{run['validation']:.3f}", *scores]


def draw(runs: list[dict[str, Any]], path: Path) -> None:
    figure = Figure(figsize=(11, 6.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    ends = []
    for number, run in enumerate(runs):
        # The clock cuts the last epoch short, so that its mean is over a few batches only.
        whole = run["history"][:-1] or run["history"]
        minutes = [row["seconds"] / 60 for row in whole]
        losses = [row["train_loss"] for row in whole]
        colour, style = INK[number % len(INK)], ["-", "--", ":"][number // len(INK) % 3]
        axes.plot(minutes, losses, style, color=colour, linewidth=1.6)
        axes.plot(minutes[-1:], losses[-1:], "o", color=colour, markersize=4)
        ends.append((losses[-1], minutes[-1], run["name"], colour))
    # Names beside the ends, pushed apart so that none covers another.
    low, high = axes.get_ylim()
    right, place = max(end[1] for end in ends), low
    for loss, minute, name, colour in sorted(ends):
        place = max(loss, place + 0.032 * (high - low))
        axes.annotate(
            f"{name}  {loss:.2f}",
            (minute, loss),
            (right * 1.03, place),
            color=colour,
            fontsize=8,
            va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "relpos": (0, 0.5), "shrinkA": 0},
        )
    axes.set_xlim(0, right * 1.28)
    axes.set_ylim(low, max(high, place + 0.05 * (high - low)))
    axes.set_xlabel("Minutes of training")
    axes.set_ylabel("Training loss (Dice loss + cross-entropy)")
    axes.grid(visible=True, alpha=0.25)
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    main()
