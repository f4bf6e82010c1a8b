"""How long `retseg predict` takes for a photograph of each size, how long it takes to start, and how much memory.

    python benchmarks/predict_speed.py --run runs/NAME
    python benchmarks/predict_speed.py --run runs/NAME --photos FOLDER --set predict.flips=4

Runs the real command on a folder of photographs of each size and reads when its files were finished. The photographs
are drawn, or resized from a folder's own. The start ends when the weights are loaded; the seconds a photograph are the
time from then to the last file, by the number of photographs, because several are worked on side by side. The
processor's seconds are of all threads together, by the difference to a run on a single photograph: they tell something
on a machine that others use as well.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.datasets.synthetic.fundus import generate
from retseg.imaging.io import list_images, read_image

SIZES = ("700x605", "999x960", "3504x2336")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of the command: seconds a photograph, until the first was begun, of the processor; peak bytes."""

    photograph: float
    start: float
    processor: float
    peak: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a trained run; the command's own choice where it is left out")
    parser.add_argument("--photos", type=Path, help="photographs to resize; drawn ones where it is left out")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="WIDTHxHEIGHT")
    parser.add_argument("--count", type=int, default=10, help="photographs of each size, at least 3")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as for `retseg predict`")
    arguments = parser.parse_args()
    extra = [] if arguments.run is None else ["--run", str(arguments.run)]
    extra += [word for setting in arguments.set for word in ("--set", setting)]
    print("| pixels | s a photograph | processor s a photograph | start, s | peak memory, GB |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        for size in arguments.sizes:
            width, height = map(int, size.split("x"))
            folder = Path(name) / size
            make_photographs(folder, width, height, max(3, arguments.count), arguments.photos)
            found = measured(folder, extra)
            print(
                f"| {size} | {found.photograph:.2f} | {found.processor:.2f} | {found.start:.1f} | "
                f"{found.peak / 1e9:.2f} |",
                flush=True,
            )
            shutil.rmtree(folder)


def make_photographs(folder: Path, width: int, height: int, count: int, source: Path | None) -> None:
    """Writes JPEG photographs: drawn by the known camera that is nearest in size, or a folder's own in turn."""
    folder.mkdir(parents=True)
    files = [] if source is None else list_images(source)
    camera = min(CAMERAS.values(), key=lambda one: abs(one.width - width) + abs(one.height - height))
    # Drawing a large one takes longer than predicting it: two of them are enough to tell apart.
    drawn = [] if files else [generate(seed, camera).image for seed in range(2)]
    for number in range(count):
        picture = Image.fromarray(read_image(files[number % len(files)]) if files else drawn[number % 2])
        resized = picture.resize((width, height), Image.Resampling.LANCZOS)
        resized.save(folder / f"{number:03}.jpg", quality=92)


def measured(folder: Path, extra: list[str]) -> Measured:
    """What the command takes for the folder's photographs."""
    photographs = sorted(folder.iterdir())
    alone = timed(photographs[0], folder.with_name(folder.name + "-one"), extra)
    every = timed(folder, folder.with_name(folder.name + "-all"), extra)
    count = len(photographs)
    return Measured(
        every.photograph / count, every.start, (every.processor - alone.processor) / (count - 1), every.peak
    )


def timed(photographs: Path, out: Path, extra: list[str]) -> Measured:
    """One run of the command, with the seconds of all photographs together."""
    command = [sys.executable, "-m", "retseg", "predict", str(photographs), "--out", str(out), *extra]
    started = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    words = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"retseg predict failed:\n{words}")
    begun = (out / "operating_point.json").stat().st_mtime
    last = max(file.stat().st_mtime for file in out.glob("*/*.png"))
    shutil.rmtree(out)
    # Linux counts in KiB.
    return Measured(last - begun, begun - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


if __name__ == "__main__":
    main()
