"""Measures how much faster the patch classifier judges all windows of an image at once than window by window.

    python benchmarks/patch_cnn.py
    python benchmarks/patch_cnn.py --side 256 --window 65 --width 48 48 48 48

Both ways take turns on the same image in one process, with the same weights, and what is printed are medians, beside
the largest difference of their outputs. OMP_NUM_THREADS=1 keeps both on one core.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from retseg.core.config import validate
from retseg.models.patch_cnn import PatchCnn, PatchCnnOptions

CHANNELS, CLASSES = 3, 3


def timed(judge: Callable[[Tensor], Tensor], image: Tensor) -> tuple[Tensor, float]:
    """The logits and the seconds that they took."""
    start = time.perf_counter()
    logits = judge(image)
    return logits, time.perf_counter() - start


def compare(net: PatchCnn, image: Tensor, batch: int, repeats: int) -> None:
    pixels = image.shape[2] * image.shape[3]
    ways: dict[str, Callable[[Tensor], Tensor]] = {
        "window by window": lambda given: net.window_by_window(given, batch),
        "all windows at once": net,
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    logits: dict[str, Tensor] = {}
    for _ in range(repeats):
        for way, judge in ways.items():
            logits[way], spent = timed(judge, image)
            seconds[way].append(spent)
    medians = [statistics.median(spent) for spent in seconds.values()]
    for way, median in zip(ways, medians, strict=True):
        print(f"{way:<22} {median:8.3f} s {pixels / median:12,.0f} pixels per second")
    naive, dense = logits.values()
    print(f"speed ratio: {medians[0] / medians[1]:.1f}")
    print(
        f"largest difference of the logits: {float((naive - dense).abs().max()):.1e} of {float(dense.abs().max()):.2f}"
    )


def main() -> None:
    defaults = PatchCnnOptions()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=96, help="side of the square image in pixels")
    parser.add_argument("--window", type=int, default=defaults.window, help="side of the window in pixels")
    parser.add_argument("--width", type=int, nargs="+", default=defaults.widths, help="filters of each convolution")
    parser.add_argument("--batch", type=int, default=256, help="windows judged at a time")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each way")
    arguments = parser.parse_args()
    given = {"window": arguments.window, "widths": list(arguments.width)}
    options = validate(PatchCnnOptions, given, where="the options of patch-cnn")
    torch.manual_seed(0)
    net, image = PatchCnn(CHANNELS, CLASSES, options).eval(), torch.rand(1, CHANNELS, arguments.side, arguments.side)
    threads = torch.get_num_threads()
    print(f"{arguments.side} x {arguments.side} pixels, windows of {options.window}, {threads} thread(s)")
    with torch.inference_mode():
        net.window_by_window(image[..., :32, :32])  # so that neither way pays for what torch does at first
        net(image[..., :32, :32])
        compare(net, image, max(1, arguments.batch), max(1, arguments.repeats))


if __name__ == "__main__":
    main()
