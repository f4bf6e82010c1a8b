from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest
import torch

from retseg.core.device import computes_bfloat16

CPU = torch.device("cpu")


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() != "x86_64", reason="reads Linux's flags"
)
def test_a_processor_is_asked_itself() -> None:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("flags")[2].partition("\n")[0].split()
    assert computes_bfloat16(CPU) == bool({"avx512_bf16", "amx_bf16"} & set(flags))


@pytest.mark.parametrize(
    ("found", "able"),
    [({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx512_f": True, "bf16": True}, False), ({}, False)],
)
def test_only_what_is_fast_counts(found: dict[str, bool], able: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found, raising=False)
    assert computes_bfloat16(CPU) is able


@pytest.mark.parametrize(("vector", "tile"), [(True, False), (False, True), (False, False)])
def test_an_earlier_torch_is_asked_in_its_own_way(vector: bool, tile: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: vector, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tile, raising=False)
    assert computes_bfloat16(CPU) is (vector or tile)


def test_a_torch_that_cannot_tell_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    for question in ("get_capabilities", "_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, question, raising=False)
    assert computes_bfloat16(CPU) is False


def test_other_devices_are_not_guessed_at() -> None:
    assert computes_bfloat16(torch.device("mps")) is False
