"""What there is to tell about a finished run when its weights are handed on: terms, credits, making, limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from retseg.core.errors import InputError
from retseg.core.manifest import Manifest
from retseg.core.progress import duration
from retseg.datasets.base import Dataset
from retseg.datasets.registry import DATASETS
from retseg.inference.card import Card
from retseg.inference.provenance import Provenance, ScoredSet
from retseg.reporting.making import title_of
from retseg.stages.locate import TRAINED
from retseg.stages.sources import sources_of

UNKNOWN_TERMS = "not known"

RESEARCH_ONLY = (
    "Research use only: it is not a medical device, and no diagnosis and no treatment may rest on what it finds."
)
_VESSEL_LIMITS = (
    "It expects a colour photograph of the fundus. It was not made for angiograms, OCT, infrared, red-free or "
    "ultra-wide-field images, and a vessel that cannot be seen in the photograph cannot be found in it.",
    "It tells vessels from everything else and nothing more: no arteries from veins, no disc, no fovea, no lesion, "
    "no disease.",
)


def provenance_of(run: Path, card: Card, name: str, results: Sequence[ScoredSet] = ()) -> Provenance:
    """What the run's manifest and the facts of its datasets tell about its weights.

    Args:
        run: The folder of a finished run of `retseg train`.
        card: The card of its weights.
        name: What the model is to be called.
        results: What the weights reach on test sets.
    """
    trained = Manifest.read(run / "train")
    if trained.stage != TRAINED:
        raise InputError(
            f"this is the result of `retseg {trained.stage}`, not a trained net", where=run, fix="Name a trained run"
        )
    commit = trained.provenance.get("git_commit")
    return Provenance(
        name=name,
        licence=licence_of(card),
        credits=tuple(map(_credit, sources_of(card))),
        git_commit=None if commit is None else str(commit),
        hardware=_hardware(trained),
        training=_training(trained),
        config=trained.config,
        results=tuple(results),
        use=_use(card),
        limits=tuple(_limits(card)),
    )


def licence_of(card: Card) -> str:
    """The terms that hold for the weights: those of the photographs that they have seen, drawn ones aside."""
    kinds = [_dataset(name) for name in sources_of(card)]
    terms = [kind.licence if kind else UNKNOWN_TERMS for kind in kinds if kind is None or not kind.generated]
    drawn = [kind.licence for kind in kinds if kind is not None]
    return "; ".join(dict.fromkeys(terms or drawn)) or UNKNOWN_TERMS


def _dataset(name: str) -> type[Dataset] | None:
    return DATASETS.get(name) if name in DATASETS else None


def _credit(name: str) -> str:
    """One dataset in a line: its title, terms, whom to cite, and its page."""
    kind = _dataset(name)
    if kind is None:
        return f"{name} (terms: {UNKNOWN_TERMS})"
    further = ". ".join(part.rstrip(".") for part in (kind.credit, kind.homepage) if part)
    return f"{kind.title} ({kind.licence})" + (f": {further}" if further else "")


def _hardware(trained: Manifest) -> str:
    made = trained.provenance
    packages = made.get("packages") or {}
    parts = (
        made.get("device"),
        made.get("cpu_cores") and f"{made['cpu_cores']} CPU cores",
        made.get("platform"),
        made.get("python") and f"Python {made['python']}",
        packages.get("torch") and f"PyTorch {packages['torch']}",
        trained.facts.get("precision"),
    )
    return ", ".join(str(part) for part in parts if part)


def _training(trained: Manifest) -> str:
    facts = trained.facts
    seconds = facts.get("training_seconds") or trained.provenance.get("seconds")
    parts = (
        seconds and duration(float(seconds)),
        facts.get("epochs") and f"{facts['epochs']} epochs",
        facts.get("steps") and f"{facts['steps']:,} steps",
        f"seed {trained.provenance['seed']}" if "seed" in trained.provenance else "",
    )
    sentences = [", ".join(str(part) for part in parts if part), facts.get("kept"), facts.get("transfer")]
    return ". ".join(str(one).rstrip(".") for one in sentences if one) + "."


def _use(card: Card) -> str:
    classes = card.classes
    what = "classes of pixels" if classes.positive is None else f"every pixel of the class '{_positive(card)}'"
    where = "photographs" if classes.outside is None else "colour photographs of the fundus"
    return f"Finding {what} in {where}, for research and teaching. {RESEARCH_ONLY}"


def _limits(card: Card) -> Iterable[str]:
    classes = card.classes
    sources = " and ".join(map(title_of, sources_of(card)))
    people = {(name, one) for name in sources_of(card) for one in card.patients_behind_weights(name)}
    yield (
        f"It has seen {len(people)} {classes.subject}(s), all of them of {sources}. On photographs of another camera, "
        "or of other people, its figures may be lower than those told here: look at some results before relying on any."
    )
    if classes.positive is not None and classes.outside is not None:
        yield from _VESSEL_LIMITS
    if card.unseen:
        yield f"No training label contained {', '.join(card.unseen)}, so it cannot know that."


def _positive(card: Card) -> str:
    assert card.classes.positive is not None
    return card.classes.names[card.classes.positive]
