"""Runs one stage: skips it when nothing changed, works in a partial folder, and renames that when it is whole."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from retseg.core.errors import OutputError
from retseg.core.manifest import Manifest, content_key, folder_digests, provenance
from retseg.core.paths import ensure_writable, explained_writes, write_atomically

_KEY_FILE = ".key"
_LOCK_FILE = ".lock"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a stage is about to do. `version` changes when the stage's code changes its results.

    `keep` protects a finished result: another content key in the same folder is then an error, not a replacement.
    """

    stage: str
    version: int
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    seed: int = 0
    device: str = "cpu"
    keep: bool = False

    @property
    def key(self) -> str:
        """The content key."""
        return content_key(self.stage, self.version, self.config, self.inputs)


@dataclass(frozen=True, slots=True)
class StageResult:
    """Where a stage's result is; `skipped` says that it was there already and nothing had changed."""

    folder: Path
    manifest: Manifest
    skipped: bool = False
    notes: tuple[str, ...] = field(default=())


Work = Callable[[Path, bool], Mapping[str, Any]]
"""A stage's own work: gets the partial folder and whether an interrupted run left something in it; returns facts."""


def run_stage(plan: Plan, folder: Path, work: Work, *, force: bool = False) -> StageResult:
    """Brings `folder` up to date with `plan`.

    An unchanged result is left alone. An interrupted run of the same plan goes on from where it was; that of another
    plan is thrown away. With `force` everything is done anew.
    """
    partial = folder.with_name(folder.name + ".partial")
    finished = Manifest.find(folder) if folder.is_dir() else None
    if finished is not None and not force and finished.key == plan.key and _outputs_exist(folder, finished):
        return StageResult(folder, finished, skipped=True)
    _refuse_foreign(plan, folder, finished, force)
    ensure_writable(partial)
    with _lock(partial), explained_writes(partial):
        resumed = _start_partial(partial, plan.key, force)
        started = time.monotonic()
        facts = work(partial, resumed)
        outputs = folder_digests(partial)
        facts_of_run = provenance(seed=plan.seed, device=plan.device, seconds=time.monotonic() - started)
        manifest = Manifest(
            plan.stage, plan.version, plan.key, plan.config, plan.inputs, outputs, facts_of_run, dict(facts)
        )
        manifest.write(partial)
        _swap(partial, folder)
    return StageResult(folder, manifest)


def _outputs_exist(folder: Path, manifest: Manifest) -> bool:
    return all((folder / name).is_file() for name in manifest.outputs)


def _refuse_foreign(plan: Plan, folder: Path, finished: Manifest | None, force: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError("a file stands where the result's folder should be", where=folder, fix="Choose another --out")
    if finished is None:
        if any(folder.iterdir()):
            raise OutputError(
                "the folder holds files that retseg did not write",
                where=folder,
                fix="Choose an empty or new folder with --out",
            )
        return
    if finished.stage != plan.stage:
        raise OutputError(
            f"the folder holds the result of another stage ({finished.stage})",
            where=folder,
            fix="Choose another folder with --out",
        )
    if plan.keep and not force:
        raise OutputError(
            f"a finished result made with other settings is here ({_difference(finished, plan)})",
            where=folder,
            fix="Choose another folder with --out, or replace it with --force",
        )


def _difference(finished: Manifest, plan: Plan) -> str:
    """Names a few settings in which the finished result differs from the plan."""
    old, new = _flat(finished.config), _flat(plan.config)
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    if not changed:
        return "its inputs changed"
    shown = [f"{key}: {old.get(key)} there, {new.get(key)} now" for key in changed[:3]]
    return "; ".join(shown) + ("; ..." if len(changed) > 3 else "")


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        flat.update(_flat(value, name + ".") if isinstance(value, Mapping) else {name: value})
    return flat


@contextmanager
def _lock(partial: Path) -> Iterator[None]:
    lock = FileLock(partial / _LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise OutputError(
            "another run is writing into this folder",
            where=partial,
            fix="Wait until it ends, or choose another folder with --out",
        ) from None
    try:
        yield
    finally:
        lock.release()


def _start_partial(partial: Path, key: str, force: bool) -> bool:
    """Makes the partial folder ready; True if it holds unfinished work of the same content key."""
    key_file = partial / _KEY_FILE
    if not force and key_file.is_file() and key_file.read_text() == key:
        return True
    for path in partial.iterdir():
        if path.name == _LOCK_FILE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    write_atomically(key_file, key)
    return False


def _swap(partial: Path, folder: Path) -> None:
    """Puts the finished partial folder in the place of `folder`."""
    (partial / _KEY_FILE).unlink(missing_ok=True)
    (partial / _LOCK_FILE).unlink(missing_ok=True)
    if folder.exists():
        replaced = folder.with_name(f".{folder.name}.replaced-{os.getpid()}")
        folder.rename(replaced)
        partial.rename(folder)
        shutil.rmtree(replaced, ignore_errors=True)
    else:
        partial.rename(folder)


def unfinished(folder: Path, key: str) -> bool:
    """True if an interrupted run with this content key left work for `folder`."""
    key_file = folder.with_name(folder.name + ".partial") / _KEY_FILE
    return key_file.is_file() and key_file.read_text() == key
