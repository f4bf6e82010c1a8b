"""The generated set as a dataset: made on demand from a seed, read like any other folder."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from retseg.core.paths import ensure_writable
from retseg.datasets.base import Report
from retseg.datasets.findings import Finding, Survey
from retseg.datasets.published import Photograph, PublishedSet
from retseg.datasets.splits import TEST, TRAIN
from retseg.datasets.synthetic import store
from retseg.datasets.synthetic.cameras import CAMERAS, find_camera
from retseg.datasets.synthetic.crew import each
from retseg.datasets.tree import names_in


class SyntheticDataset(PublishedSet):
    """Computer-drawn photographs with exact labels. `dataset.count`, `.size` and `.generator_seed` say which."""

    name = "synthetic"
    title = "the generated set"
    licence = "none needed: made by this program"
    homepage = ""
    obtain = "It is made on this machine by `retseg prepare --dataset synthetic`; nothing is downloaded."
    credit = ""
    tree = """\
images/P01_left.png images/P01_right.png images/P02_left.png ...
labels/exact/P01_left.png ... labels/second/P01_left.png ...
fov/P01_left.png ...
artery_vein/P01_left.png ...    (0 no vessel, 1 artery, 2 vein, 3 crossing)
facts/P01_left.json ... index.csv"""
    observers: ClassVar[Mapping[str, str]] = {
        store.EXACT: "the exact vessels, the ground truth",
        store.SECOND: "an imitated human, who overlooks thin vessels and draws a little off",
    }
    protocols: ClassVar[Mapping[str, str]] = {
        "customary": "the first half of the patients for training, the others for the test"
    }
    generated = True

    @classmethod
    def marks(cls, root: Path) -> bool:
        """Whether photographs of a generated set lie where they should."""
        return any(name.startswith("P") and name.endswith(".json") for name in names_in(root / "facts"))

    def orders(self) -> list[store.Order]:
        """The photographs that the configuration asks for."""
        camera = find_camera(self.config.size) if self.config.size is not None else next(iter(CAMERAS.values()))
        return store.orders(self.config.count, self.config.generator_seed, camera)

    def photographs(self) -> list[Photograph]:
        """Both eyes of each patient; the first half of the patients, or one more, are for training."""
        orders = self.orders()
        patients = sorted({order.patient for order in orders}, key=lambda name: int(name[1:]))
        train = set(patients[: (len(patients) + 1) // 2])
        return [
            Photograph(
                id=order.id,
                patient=order.patient,
                image=[order.files["image"]],
                labels={observer: [order.files[observer]] for observer in self.observers},
                split=TRAIN if order.patient in train else TEST,
                eye="L" if order.eye == "left" else "R",
                fov=[order.files["fov"]],
            )
            for order in orders
        ]

    def survey(self, root: Path) -> Survey:
        """The photographs with their pixel sizes on the retina; maps of arteries and veins are known files."""
        survey = super().survey(root)
        if not self.marks(root):
            return survey
        orders = self.orders()
        known = {root / order.files["artery_vein"] for order in orders} | {root / store.INDEX}
        known |= {root / "facts" / f"{order.id}.json" for order in orders}
        samples = []
        for sample in survey.samples:
            facts = store.read_facts(root, sample.id)
            samples.append(replace(sample, um_per_pixel=None if facts is None else float(facts["um_per_pixel"])))
        findings = [_remade(finding) for finding in survey.findings if finding.path not in known]
        return Survey(samples, findings)

    def generate(self, root: Path, report: Report | None = None) -> None:
        """Makes what is missing or damaged below `root`; photographs that are whole stay as they are.

        A folder that an earlier call filled with other settings is changed to these.
        """
        ensure_writable(root)
        wanted = self.orders()
        store.remove_others(root, wanted)
        pending = []
        for order in wanted:
            if not store.is_whole(root, order):
                pending.append(order)
            elif report is not None:
                report(1, "already there")
        pixels = wanted[0].camera.width * wanted[0].camera.height
        for name in each(functools.partial(_make, root), pending, pixels):
            if report is not None:
                report(1, name)
        store.write_index(root, wanted)


def _make(root: Path, order: store.Order) -> str:
    store.make(root, order)
    return order.id


def _remade(finding: Finding) -> Finding:
    """What is missing from a generated set need not be fetched."""
    if finding.severity != "error":
        return finding
    return replace(finding, fix="Run `retseg prepare --dataset synthetic` on this folder, which makes it anew")
