"""Several sets as one: each member is read by its own plugin, and every photograph remembers where it comes from."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

from retseg.core.errors import ConfigError
from retseg.core.types import BoolArray, Case, Classes, Sample, UInt8Array
from retseg.datasets.base import VESSELS, Dataset, Finding, Report, Survey, require_folder
from retseg.datasets.config import DatasetConfig
from retseg.datasets.findings import listed
from retseg.datasets.registry import DATASETS, find_datasets, generated_root, known_datasets
from retseg.datasets.tree import names_in

_KEY = "dataset.members"
_SHOWN = 3  # as many classes as still fit on the one line of an error


class Joined(Dataset):
    """The sets that `dataset.members` names, as one. All must mean the same by their classes.

    The photograph `x` of the patient `p` of the member `m` is `m-x` of `m-p` here, in the split that it has there.
    """

    name = "joined"
    title = "several sets, joined"
    classes: Classes = VESSELS
    licence = "those of each member"
    homepage = ""
    obtain = (
        "Get each member. With --root they are looked for below that folder first, and then, like any set, below "
        "$RETSEG_DATA and data/raw; generated ones are made. "
        "For example: retseg prepare --dataset joined --set dataset.members=[chase,hrf]"
    )
    credit = "The owners of each member, whom `retseg datasets show` names"
    tree = "CHASE_DB1/ HRF/ ...    (each member as its owner ships it, up to two levels below)"
    observers: ClassVar[Mapping[str, str]] = {"each member's own": "the first of them is the ground truth"}
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "each member's customary split: what is the test there is the test here"
    }
    joins = True

    def __init__(self, config: DatasetConfig) -> None:
        super().__init__(config)
        self._members = _members(config)
        self._roots: dict[str, Path] | None = None

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Never: a folder of several sets is theirs, so joining them has to be asked for."""
        return False

    def at(self, root: Path) -> Self:
        """The set with its members where they lie: below `root`, else in their usual places."""
        found = {**known_datasets(), **find_datasets(root)}
        found |= {name: generated_root(name, one.config) for name, one in self._members.items() if one.generated}
        bound = copy.copy(self)
        bound._roots = roots = {name: found[name] for name in self._members if name in found and found[name].is_dir()}
        bound._members = {name: one.at(roots[name]) if name in roots else one for name, one in self._members.items()}
        if roots:
            bound.classes = _shared_classes({name: bound._members[name] for name in roots})
        return bound

    def survey(self, root: Path) -> Survey:
        """The samples of all members, and everything amiss with any of them."""
        if self._roots is None:
            return self.at(root).survey(root)
        findings = self._notes(root)
        samples: list[Sample] = []
        for name, member in self._members.items():
            if name in self._roots:
                survey = member.survey(self._roots[name])
                samples += [_joined(name, sample) for sample in survey.samples]
                findings += survey.findings
        return Survey(samples, findings)

    def target(self, sample: Sample, observer: str, fov: BoolArray) -> UInt8Array:
        """The class map (H, W) as the sample's own set reads it."""
        member, own = self._own(sample)
        return member.target(own, observer, fov)

    def load(self, sample: Sample) -> Case:
        """The sample's arrays as its own set reads them."""
        member, own = self._own(sample)
        return replace(member.load(own), sample=sample)

    def check(self, root: Path, report: Report | None = None) -> list[Finding]:
        """What each member's own check finds."""
        require_folder(root)
        if self._roots is None:
            return self.at(root).check(root, report)
        findings = self._notes(root)
        for name, place in self._roots.items():
            findings += self._members[name].check(place, report)
        return findings

    @property
    def to_generate(self) -> int:
        """The photographs of all members that are generated."""
        return sum(member.to_generate for member in self._members.values())

    def generate(self, root: Path, report: Report | None = None) -> None:
        """Makes the generated members, each in its usual place."""
        for name, member in self._members.items():
            if member.generated:
                member.generate(generated_root(name, member.config), report)

    def _own(self, sample: Sample) -> tuple[Dataset, Sample]:
        """The member that a sample comes from, and the sample as it is there."""
        if sample.origin is None:
            raise ValueError(f"{sample.id} was not surveyed by {type(self).__name__}")
        name, patient = sample.origin
        return self._members[name], replace(sample, id=sample.id.removeprefix(f"{name}-"), patient=patient, origin=None)

    def _notes(self, root: Path) -> list[Finding]:
        """The members that are nowhere, and those that lie elsewhere than in the folder given."""
        roots = self._roots or {}
        if missing := [name for name in self._members if name not in roots]:
            empty = "" if names_in(root) else "the folder is empty, and "
            what = f"{empty}{' and '.join(missing)} cannot be found below it or in the usual places"
            fix = f"Give the folder that holds all members (see `retseg datasets show {missing[0]}`)"
            return [Finding("error", root, what, fix, blocks=True)]
        return [
            Finding(
                "note", place, f"the member {name} lies elsewhere and is read here", "Check that it is the right one"
            )
            for name, place in roots.items()
            if not self._members[name].generated and not place.is_relative_to(root)
        ]


def _members(config: DatasetConfig) -> dict[str, Dataset]:
    """The members by name; ConfigError for none, for one named twice, and for one that is itself made of others."""
    if not config.members:
        what, fix = "no set to join is named", "Name them, for example --set dataset.members=[chase,hrf]"
        raise ConfigError(what, where=_KEY, fix=fix)
    if twice := [name for name in config.members if config.members.count(name) > 1]:
        raise ConfigError(f"'{twice[0]}' is named twice", where=_KEY, fix="Name each set once")
    kinds = {name: DATASETS.get(name) for name in config.members}
    if joining := [name for name, kind in kinds.items() if kind.joins]:
        what = f"'{joining[0]}' is made of other sets and cannot be a member itself"
        raise ConfigError(what, where=_KEY, fix="Name its members instead")
    return {name: kind(config.model_copy(update={"name": name, "members": ()})) for name, kind in kinds.items()}


def _shared_classes(members: Mapping[str, Dataset]) -> Classes:
    """The first member's classes; ConfigError unless all others mean the same by theirs."""
    (first, classes), *others = [(name, member.classes) for name, member in members.items()]
    for name, other in others:
        same = (other.ignore, other.things) == (classes.ignore, classes.things)
        if not (same and other.mean_the_same(classes)):
            told = [f"{one} has {listed(table.names, _SHOWN)}" for one, table in ((first, classes), (name, other))]
            what = f"these sets have different classes and cannot be joined: {'; '.join(told)}"
            raise ConfigError(what, where=_KEY, fix="Join sets of the same classes")
    return classes


def _joined(member: str, sample: Sample) -> Sample:
    return replace(
        sample, id=f"{member}-{sample.id}", patient=f"{member}-{sample.patient}", origin=(member, sample.patient)
    )
