"""The same computation gives the same bits, as far as the device can."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from retseg.core.errors import ConfigError


@contextmanager
def reproducible(device: torch.device, *, strict: bool = False) -> Iterator[None]:
    """Repeatable results inside; the caller's random state and settings come back afterwards.

    Where a CUDA device has no repeatable way to do something, it does it all the same, unless `strict`: then it is a
    ConfigError. A processor always repeats itself.
    """
    cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if cuda else []), warnings.catch_warnings():
        if not cuda and not strict:
            yield
            return
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation.*")
        before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
        filling = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(True, warn_only=not strict)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
                yield
        except RuntimeError as error:
            if "does not have a deterministic implementation" not in str(error):
                raise
            raise ConfigError(
                f"{str(error).split()[0]} cannot be repeated bit by bit on {device}",
                where="train.deterministic",
                fix="Take another net or device, or --set train.deterministic=false",
            ) from None
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
            torch.utils.deterministic.fill_uninitialized_memory = filling  # type: ignore[attr-defined]
