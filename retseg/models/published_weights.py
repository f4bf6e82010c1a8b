"""Fetching a published weights file, once, and never taking another in its place."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

import torch

from retseg.core.errors import CheckpointError, InputError, OutputError
from retseg.core.manifest import file_digest
from retseg.core.progress import progress
from retseg.models.architecture import PublishedEncoder

_MEBIBYTE = 2**20
_PATIENCE = 30.0
"""Seconds to wait for a server that says nothing."""


def fetch(published: PublishedEncoder, cache: Path | None = None) -> Path:
    """The published file, from `cache` (None: where torch keeps its own) or from its address. Its hash is checked."""
    folder = Path(torch.hub.get_dir()) / "checkpoints" if cache is None else cache
    path = folder / published.url.rpartition("/")[2]
    if path.is_file():
        _check(published, file_digest(path), path, "Delete it and run the same command again")
        return path
    temporary = folder / f".{path.name}.{uuid.uuid4().hex}.partial"
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with temporary.open("xb") as file:
                for chunk in _chunks(published):
                    digest.update(chunk)
                    file.write(chunk)
            fix = "Try again, or fetch this file elsewhere and give it with --encoder-weights FILE"
            _check(published, digest.hexdigest(), published.url, fix)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"the fetched weights cannot be stored ({error.strerror or error})",
            where=folder,
            fix="Set TORCH_HOME to a folder that can be written",
        ) from None
    return path


def _check(published: PublishedEncoder, digest: str, where: str | Path, fix: str) -> None:
    if not digest.startswith(published.digest):
        raise CheckpointError(
            f"this is not the published file, or not all of it: its SHA-256 begins with {digest[:8]}, "
            f"not {published.digest}",
            where=where,
            fix=fix,
        )


def _chunks(published: PublishedEncoder) -> Iterator[bytes]:
    """What lies at the address, piece by piece, with a line of progress now and then."""
    request = Request(published.url, headers={"User-Agent": "retseg"})
    try:
        with (
            urlopen(request, timeout=_PATIENCE) as response,
            progress(f"Fetching {published.url}", published.megabytes, unit="megabyte") as shown,
        ):
            while chunk := response.read(_MEBIBYTE):
                yield chunk
                shown.advance()
    except (OSError, HTTPException) as error:
        raise InputError(
            f"the ImageNet weights cannot be fetched ({getattr(error, 'reason', error)})",
            where=published.url,
            fix="Fetch this file elsewhere and give it with --encoder-weights FILE, or train without --encoder-weights",
        ) from None
