"""Measures the estimated fields of view against masks drawn by the photographs' owner.

    python benchmarks/field_of_view.py --root path/to/dataset

The folder holds the photographs in `images/` and a mask for each, `mask/<name>_mask.tif`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from retseg.imaging.fov import estimate_fov
from retseg.imaging.io import list_images, plain_stem, read_image, read_label
from retseg.imaging.label_maps import binary_mask


def measure(root: Path) -> list[tuple[float, float, str]]:
    """Intersection over union, seconds of the estimate, and name of each photograph."""
    results = []
    for path in list_images(root / "images"):
        image = read_image(path)
        mask_path = root / "mask" / f"{plain_stem(path)}_mask.tif"
        owner = binary_mask(read_label(mask_path), mask_path)
        start = time.perf_counter()
        estimated = estimate_fov(image)
        seconds = time.perf_counter() - start
        overlap = float((owner & estimated).sum() / (owner | estimated).sum())
        results.append((overlap, seconds, path.name))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, required=True, help="dataset folder with images/ and mask/")
    results = sorted(measure(parser.parse_args().root))
    overlaps, seconds = np.array([row[0] for row in results]), np.array([row[1] for row in results])
    print(f"{len(results)} photographs: IoU mean {overlaps.mean():.5f}, min {overlaps.min():.5f}")
    print(f"seconds a photograph: median {np.median(seconds):.3f}, max {seconds.max():.3f}")
    print("worst five:", ", ".join(f"{name} {overlap:.5f}" for overlap, _, name in results[:5]))


if __name__ == "__main__":
    main()
