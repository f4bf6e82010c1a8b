"""Which datasets' photographs are behind a set of weights."""

from __future__ import annotations

from retseg.datasets.registry import DATASETS
from retseg.inference.card import Card


def sources_of(card: Card) -> tuple[str, ...]:
    """The names of all datasets that the weights have seen; in the place of a joined set its members."""
    names = sorted({*card.seen, card.dataset} - {""})
    return tuple(name for name in names if not (name in DATASETS and DATASETS.get(name).joins)) or (card.dataset,)
