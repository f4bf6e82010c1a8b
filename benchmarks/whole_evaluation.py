"""How long the whole evaluation of a prepared set takes, and how much memory all of its processes hold together.

    retseg prepare --dataset hrf --root HRF --out prepared-hrf
    python benchmarks/whole_evaluation.py --prepared prepared-hrf

The maps are made from the ground truth: blurred, shifted by a pixel, and with noise that leaves hundreds of specks
in each, so that every metric has work to do. Their scores say nothing about any method.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from retseg.datasets.prepared import PreparedSet
from retseg.imaging.maps import write_probability


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepared", type=Path, required=True, help="a folder that `retseg prepare` wrote")
    parser.add_argument("--split", default="test")
    arguments = parser.parse_args()
    data = PreparedSet.open(arguments.prepared)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_maps(data, arguments.split, folder / "maps")
        seconds, most = evaluate(arguments.prepared, arguments.split, folder)
    images = len(data.split(arguments.split))
    print(f"{data.name}, {images} photographs: {seconds:.0f} s, {most / 2**30:.2f} GiB in all processes together")


def make_maps(data: PreparedSet, split: str, out: Path) -> None:
    random = np.random.default_rng(0)
    for sample in data.split(split):
        vessel = (data.case(sample).targets["classes"] == data.classes.positive).astype(np.float32)
        noise = gaussian_filter(random.standard_normal(vessel.shape, dtype=np.float32), 2) * 4
        signal = gaussian_filter(shift(vessel, (1, 1), order=0), 2.5) * 8 - 4
        write_probability(out / f"{sample.id}.png", 1 / (1 + np.exp(-(signal + noise))))


def evaluate(prepared: Path, split: str, folder: Path) -> tuple[float, int]:
    """Wall time in seconds, and the most bytes that the command and its processes held at any one time."""
    words = ["evaluate", "--predictions", folder / "maps", "--dataset", prepared, "--split", split,
             "--threshold", "0.4", "--traps", "--out", folder / "scores"]  # fmt: skip
    started, most = time.monotonic(), 0
    command = [sys.executable, "-m", "retseg", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, held(process.pid))
            time.sleep(0.2)
    if process.returncode:
        sys.exit(f"retseg evaluate failed with {process.returncode}")
    return time.monotonic() - started, most


def held(pid: int) -> int:
    """Bytes of a process and all its children; what they share is counted once (Linux: proportional set size)."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return total
    return total + sum(held(int(child)) for child in children)


if __name__ == "__main__":
    main()
