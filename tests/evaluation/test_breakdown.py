from __future__ import annotations

import numpy as np
import pytest

from retseg.evaluation.breakdown import AgreementBoard, Tally, WidthBoard
from retseg.evaluation.cases import SYSTEM, CaseScore, Judged
from retseg.metrics.counts import Counts
from retseg.metrics.ranking import score_histogram
from retseg.metrics.registry import METRICS

DICE, AUC, CLDICE = (METRICS.get(name) for name in ("dice", "auc", "cldice"))


def judged(seed):
    rng = np.random.default_rng(seed)
    histogram = score_histogram(rng.integers(0, 65536, 200, dtype=np.uint16), rng.random(200) < 0.4)
    return Judged(histogram.counts_at(0.5), histogram)


def test_pooled_adds_and_the_mean_averages():
    tally = Tally([DICE, AUC])
    parts = [judged(1), judged(2)]
    each = [tally.add(part)["dice"] for part in parts]
    view = tally.view()
    assert view["pooled"]["dice"] == (parts[0].counts + parts[1].counts).dice()
    assert view["pooled"]["auc"] == (parts[0].histogram + parts[1].histogram).roc_auc()
    assert view["per_image_mean"]["dice"] == pytest.approx(np.mean(each))
    assert view["per_image_n"] == {"dice": 2, "auc": 2}


def test_one_photograph_without_scores_leaves_no_pooled_ranking():
    tally = Tally([DICE, AUC])
    tally.add(judged(1))
    tally.add(Judged(Counts(1, 1, 1, 1)))
    tally.add(judged(2))
    assert tally.view()["pooled"]["auc"] is None
    assert tally.view()["per_image_n"]["auc"] == 2


def test_the_shares_of_the_widths_are_shares_of_vessel_pixels():
    board = WidthBoard([DICE, AUC])
    bands = {"thin": Judged(Counts(tp=1, fn=2, fp=50)), "thick": Judged(Counts(tp=9, fn=0, fp=1))}
    figures = board.add(CaseScore("a", "1", 0.5, bands=bands))
    assert figures["thick"]["dice"] == pytest.approx(18 / 19)
    assert {band: part["share"] for band, part in board.view().items()} == {"thin": 0.25, "thick": 0.75}


def test_agreement_names_the_pair_and_lists_observers_first():
    board = AgreementBoard([DICE, CLDICE])
    pairs = {(SYSTEM, "first"): judged(0), ("first", "second"): judged(1), ("second", "first"): judged(2)}
    board.add(CaseScore("a", "1", 0.5, agreement=pairs, observers={"second": judged(2)}))
    rows = board.rows("net")
    assert [(row["a"], row["b"], row["kind"]) for row in rows] == [
        ("first", "second", "observers"),
        ("second", "first", "observers"),
        ("net", "first", "system"),
    ]
    assert set(rows[0]["pooled"]) == {"dice"}
