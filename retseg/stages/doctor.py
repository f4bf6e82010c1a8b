"""doctor: what is installed, what the machine offers, what was found, what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from retseg.core.manifest import package_versions
from retseg.core.paths import PREPARED, RAW, RUNS
from retseg.inference.shipped_models import shipped_models
from retseg.stages.locate import known_datasets, run_names, search_folders

_NEEDED = (
    "torch",
    "monai",
    "nibabel",
    "skimage",
    "sklearn",
    "scipy",
    "pandas",
    "PIL",
    "tifffile",
    "imagecodecs",
    "matplotlib",
)


def findings() -> Iterator[tuple[str, str]]:
    """Pairs of a short label and what there is to say about it."""
    yield "retseg", package_versions().get("retseg", "not installed; running from the source tree")
    yield "Python", f"{platform.python_version()} ({sys.executable})"
    yield "System", f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores"
    yield "Memory", _memory()
    yield "Disk", f"{shutil.disk_usage(Path.cwd()).free / 2**30:.1f} GiB free here"
    missing = [name for name in _NEEDED if find_spec(name) is None]
    yield "Packages", ", ".join(f"{name} {version}" for name, version in package_versions().items())
    yield "Device", _device() if "torch" not in missing else "unknown, as torch is missing"
    yield "Compiler", shutil.which("c++") or shutil.which("g++") or "none; nets run without torch.compile"
    found = known_datasets()
    for name, root in found.items():
        yield "Dataset", f"{name} in {root}"
    if not found:
        looked = " and ".join(map(str, search_folders()))
        yield "Datasets", f"none below {looked}; `retseg prepare` would generate photographs"
    sets = [path.name for path in sorted(PREPARED.glob("*")) if (path / "manifest.json").is_file()]
    yield "Prepared sets", ", ".join(sets) or f"none below {PREPARED}"
    yield "Runs", ", ".join(run_names()[:5]) or f"none below {RUNS}"
    yield "Models", _shipped()
    yield "Missing", _missing(missing)


def _shipped() -> str:
    found = [f"{name} ({path.stat().st_size / 1e6:.1f} MB)" for name, path in shipped_models().items()]
    return (
        f"{', '.join(found)}, shipped with retseg" if found else "none ships with this copy; `retseg train` makes one"
    )


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown on this system"
    return f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free"


def _device() -> str:
    from retseg.core.device import choose_device, device_name

    return device_name(choose_device())


def _missing(packages: list[str]) -> str:
    parts = [f"package {name} (pip install retseg again)" for name in packages]
    if not RAW.is_dir() and "RETSEG_DATA" not in os.environ:
        parts.append(f"real photographs (put a dataset below {RAW}, see `retseg datasets list`)")
    return "; ".join(parts) or "nothing"
