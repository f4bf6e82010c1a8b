"""By how much the intervals of measurements have to be widened: retseg/biomarkers/margins.json.

    RETSEG_DATA=FOLDER python benchmarks/interval_margins.py

On the training photographs of CHASE_DB1 and HRF: how far observer 1's value lies outside of the interval that the net's
own doubt gives, as a share of the value. A measurement's margin is the share that nine photographs in ten stay within.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from measurement_checks import Found, photographs

from retseg.biomarkers.config import MeasureConfig
from retseg.biomarkers.interval import MARGINS
from retseg.biomarkers.registry import BIOMARKERS
from retseg.core.errors import RetsegError

FILE = Path("retseg/biomarkers") / MARGINS
WITHIN = 0.9
LEAST = 10
"""Photographs that a margin is taken from, at least."""


def beyond(found: Found, name: str) -> float | None:
    """How far the reference observer's value lies outside of our interval, as a share of our value."""
    reference = next(iter(found.observers.values()))
    if name not in found.ours or name not in reference:
        return None
    interval, truth = found.ours[name], reference[name]
    if interval.low is None or interval.high is None or not interval.value.number:
        return None
    return max(interval.low - truth, truth - interval.high, 0.0) / abs(interval.value.number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=Path, default=Path("maps"), help="folder for the predictions")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    config, found = MeasureConfig(rejected=True, margins=False), list[Found]()
    try:
        for dataset in ("chase", "hrf"):
            maps = arguments.maps / f"{dataset}-train"
            found += photographs(Path("default"), dataset, "train", maps, config, arguments.workers)
    except RetsegError as error:
        parser.exit(1, f"{error.line}\n")
    margins = {}
    for name in BIOMARKERS.names():
        shares = [share for one in found if (share := beyond(one, name)) is not None]
        if len(shares) >= LEAST:
            margins[name] = round(float(np.quantile(shares, WITHIN, method="higher")), 4)
    FILE.write_text(json.dumps(margins, indent=1) + "\n", encoding="utf-8")
    print(f"{FILE}: margins of {len(margins)} measurements, from {len(found)} photographs")


if __name__ == "__main__":
    main()
