"""The manifest of a stage: what went in, what came out, and with what it was made."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from retseg.core.errors import InputError
from retseg.core.paths import write_atomically

NAME = "manifest.json"
_PACKAGES = ("retseg", "torch", "monai", "numpy", "scipy", "scikit-image", "pillow", "pandas", "nibabel")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a stage wrote beside its results.

    `key` is the content key: it changes when, and only when, the stage, its version, its configuration or one of its
    inputs changes. `outputs` maps relative paths to SHA-256 digests. `facts` are the stage's own remarks.
    """

    stage: str
    version: int
    key: str
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    provenance: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """One digest of all outputs: what a later stage depends on."""
        return digest_of(dict(self.outputs))

    def write(self, folder: Path) -> None:
        """Writes `manifest.json` into `folder`, whole or not at all."""
        write_atomically(folder / NAME, json.dumps(asdict(self), indent=1, sort_keys=False) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Reads `manifest.json` of a stage's folder."""
        path = folder / NAME
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise InputError(
                "no finished result of retseg is here (manifest.json is missing)",
                where=folder,
                fix="Check the path, or run the earlier stage again",
            ) from None
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"manifest.json cannot be read ({error})", where=path, fix="Run the stage again with --force"
            ) from None

    @classmethod
    def find(cls, folder: Path) -> Manifest | None:
        """The manifest in `folder`, or None where there is none that can be read."""
        try:
            return cls.read(folder)
        except InputError:
            return None


def canonical(data: Any) -> str:
    """`data` as JSON with one spelling for one content."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)


def digest_of(data: Any) -> str:
    """SHA-256 of JSON-ready data."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def content_key(stage: str, stage_version: int, config: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """The content key of a stage's result."""
    return digest_of({"stage": stage, "version": stage_version, "config": config, "inputs": inputs})


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_digests(paths: Iterable[Path], base: Path) -> dict[str, str]:
    """SHA-256 of each file, by its path relative to `base` with forward slashes. Missing files are left out."""
    present = [path for path in dict.fromkeys(paths) if path.is_file()]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return {
            os.path.relpath(p, base).replace(os.sep, "/"): d
            for p, d in zip(present, pool.map(file_digest, present), strict=True)
        }


def folder_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder` except the manifest and hidden files."""
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name != NAME and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )
    return file_digests(files, folder)


def provenance(*, seed: int, device: str, seconds: float) -> dict[str, Any]:
    """With what a result was made: versions, commit, device, seed, wall time in seconds, time of day (UTC)."""
    return {
        "git_commit": git_commit(),
        "packages": package_versions(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "device": device,
        "cpu_cores": os.cpu_count(),
        "seed": seed,
        "seconds": round(seconds, 2),
        "finished": datetime.now(UTC).isoformat(timespec="microseconds"),
    }


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that results depend on."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """Commit of the source tree that this package runs from ("-dirty" with local changes), or None when installed."""
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return None
    try:
        run = subprocess.run(
            ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip() or None
