from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import wilcoxon

from retseg.core.errors import InputError
from retseg.reporting.compare_files import Comparison
from retseg.reporting.compare_words import best_first, comparison_summary, comparison_title, smallest_p


def data(patients: int, *, significant: bool | None, b: float = 0.79, needed: int | None = 23) -> dict[str, Any]:
    """comparison.json of two systems and an observer, by Dice only."""
    values = {"net": 0.8123, "old": b, "second": 0.77}
    return {
        "n_patients": patients,
        "n_images": 2 * patients,
        "resamples": 10_000,
        "level": 0.95,
        "metrics": ["dice"],
        "systems": [{"name": n, "kind": "observer" if n == "second" else "system", "seeds": 1} for n in values],
        "tables": {
            "pooled": {"dice": {n: {"value": v, "low": v - 0.01, "high": v + 0.01} for n, v in values.items()}},
            "per_image_mean": {},
        },
        "pairs": [
            {
                "a": "old", "b": "net", "view": "pooled", "metric": "dice", "difference": b - 0.8123, "low": -0.04,
                "high": -0.002, "p_bootstrap": None, "p_wilcoxon": None, "p_bootstrap_holm": None,
                "p_wilcoxon_holm": None, "n_patients": patients, "significant": significant, "patients_needed": needed,
            }
        ],
        "per_patient": {},
    }  # fmt: skip


def said(found: dict[str, Any]) -> str:
    return comparison_summary(Comparison.of(found), "Drawn").replace("\N{NO-BREAK SPACE}", " ")


def test_the_paragraph_says_who_is_best_by_what_on_how_many() -> None:
    text = said(data(30, significant=True))
    assert "2 systems and 1 human observer were judged on the same 60 images of 30 patients from Drawn." in text
    assert (
        "By Dice (all pixels pooled), net is best with 0.812 (95% interval 0.802 to 0.822); old follows with 0.790."
        in text
    )
    assert "A human observer (second) reaches a Dice of 0.770." in text


def test_a_significant_difference_is_told_with_the_better_system_first() -> None:
    text = said(data(30, significant=True))
    assert "In Dice, the difference is significant: net over old by 0.022 (95% interval 0.002 to 0.040)." in text
    assert "No significance test" not in text


def test_no_difference_is_told_too() -> None:
    text = said(data(30, significant=False))
    assert "In Dice, no difference is significant." in text


def test_below_six_patients_it_says_why_there_is_no_test_and_what_one_takes() -> None:
    text = said(data(4, significant=None))
    assert (
        "No significance test is made: with 4 patients the smallest p value that a Wilcoxon test can give is 0.125"
        in text
    )
    assert "A test needs at least 6 patients." in text
    assert "about 23 patients for old against net." in text
    assert "is significant" not in text
    assert "to show" not in said(data(4, significant=None, needed=None)).lower().split("a test needs")[1]


def test_too_many_pairs_for_the_correction_are_said_so() -> None:
    found = data(8, significant=False)
    found["tables"] = {"pooled": {}, "per_image_mean": found["tables"]["pooled"]}
    found["pairs"] = [{**found["pairs"][0], "view": "per_image_mean", "a": f"x{i}"} for i in range(7)]
    assert "8 patients can give is 0.008, and a correction over 7 pairs takes it beyond 5%" in said(found)
    found["pairs"] = found["pairs"][:6]
    assert "takes it beyond" not in said(found)


@pytest.mark.parametrize("patients", [2, 4, 5, 6, 9])
def test_the_smallest_p_is_that_of_scipy(patients: int) -> None:
    assert smallest_p(patients) == pytest.approx(wilcoxon(range(1, patients + 1), method="exact").pvalue)


def test_equal_figures_share_the_first_place() -> None:
    assert "net and old share the first place with 0.812" in said(data(30, significant=False, b=0.8122))


def test_the_order_and_the_title() -> None:
    comparison = Comparison.of(data(30, significant=True))
    assert best_first(comparison) == ["net", "old"]
    assert comparison_title(comparison, "Drawn") == "net and old compared on Drawn"


def test_what_is_no_comparison_is_explained() -> None:
    with pytest.raises(InputError, match="not as compare writes it"):
        Comparison.of({"metrics": []})
