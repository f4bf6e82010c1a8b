from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from retseg.core.errors import InputError
from retseg.evaluation.bootstrap import intervals
from retseg.evaluation.comparison import CompareSystem, compare_systems, write_comparison
from retseg.evaluation.paired import holm
from retseg.evaluation.sums import ImageSums, SystemSums, read_sums, write_sums
from retseg.metrics.counts import Counts
from tests.evaluation.made_up import ALL, COUNTS, SCORES, SHAPE, made_up, with_values


def better(sums: SystemSums, by: int, name="better") -> SystemSums:
    """The same system with some missed pixels found: a sure gain for every patient."""

    def gain(image: ImageSums) -> ImageSums:
        c = image.counts
        counts = Counts(c.tp + by, c.fp, c.fn - by, c.tn)
        values = {**image.values, **{m.name: m.function(counts) for m in COUNTS}}
        return replace(image, counts=counts, values=values)

    return replace(sums, name=name, images=tuple(gain(image) for image in sums.images))


def as_observer(sums: SystemSums) -> SystemSums:
    values = {m.name: np.nan for m in SCORES}
    images = tuple(replace(i, histogram=None, values={**i.values, **values}) for i in sums.images)
    return replace(sums, name="second", kind="observer", images=images)


def one(sums: SystemSums) -> CompareSystem:
    return CompareSystem(sums.name, (sums,), sums.kind)


def pair_of(data, metric, view, a=None, b=None):
    found = [p for p in data["pairs"] if (p["metric"], p["view"]) == (metric, view)]
    return next(p for p in found if a is None or (p["a"], p["b"]) == (a, b))


def test_one_system_has_the_figures_and_intervals_of_its_evaluation():
    sums = made_up(patients=7, eyes=2)
    data = compare_systems([one(sums)], ALL, resamples=500, seed=3)
    alone = intervals(sums, ALL, resamples=500, seed=3).to_json()
    for view in ("pooled", "per_image_mean"):
        for name, interval in alone[view].items():
            cell = data["tables"][view][name]["net"]
            assert (cell["low"], cell["high"]) == (tuple(interval) if interval else (None, None))
            assert cell["seed_sd"] is None
    total = sum((image.counts for image in sums.images), Counts())
    assert data["tables"]["pooled"]["dice"]["net"]["value"] == total.dice()
    assert data["tables"]["per_image_mean"]["auc"]["net"]["value"] == pytest.approx(
        np.mean([image.values["auc"] for image in sums.images])
    )
    assert data["tables"]["pooled"][SHAPE.name]["net"]["value"] is None
    assert data["pairs"] == []


def test_a_pooled_difference_is_drawn_from_the_same_patients():
    a, b = made_up("a", patients=8, seed=1, skill=2.2), made_up("b", patients=8, seed=1, skill=1.9)
    data = compare_systems([one(a), one(b)], COUNTS, resamples=6000)
    pair = pair_of(data, "dice", "pooled")
    rng = np.random.default_rng(5)

    def dice(sums, drawn):
        return sum((sums.images[k].counts for k in drawn), Counts()).dice()

    draws = rng.integers(8, size=(6000, 8))
    differences = np.array([dice(a, drawn) - dice(b, drawn) for drawn in draws])
    low, high = np.percentile(differences, [2.5, 97.5])
    assert pair["difference"] == pytest.approx(dice(a, range(8)) - dice(b, range(8)))
    np.testing.assert_allclose((pair["low"], pair["high"]), (low, high), atol=0.06 * (high - low))
    # Unpaired, the spread between patients would hide the difference.
    apart = [data["tables"]["pooled"]["dice"][name] for name in ("a", "b")]
    assert high - low < 0.7 * max(cell["high"] - cell["low"] for cell in apart)
    assert pair["p_wilcoxon"] is pair["p_wilcoxon_holm"] is None


def test_the_signed_rank_test_is_scipys_on_the_means_of_patients():
    rng = np.random.default_rng(0)
    a = {str(n): list(rng.normal(0.2, 1, 2)) for n in range(12)}
    b = {name: [0.0, 0.0] for name in a}
    systems = [one(with_values(a, name="a")), one(with_values(b, name="b"))]
    (pair,) = compare_systems(systems, [SHAPE], resamples=2000)["pairs"]
    by_patient = [np.mean(values) for values in a.values()]
    assert pair["p_wilcoxon"] == pytest.approx(scipy.stats.wilcoxon(by_patient).pvalue)
    assert pair["difference"] == pytest.approx(np.mean(by_patient))
    assert pair["n_patients"] == 12


def test_the_order_of_photographs_does_not_matter():
    a, b = made_up("a", patients=7, eyes=2), made_up("b", patients=7, eyes=2, seed=1)
    data = compare_systems([one(a), one(b)], COUNTS, resamples=300)
    turned = compare_systems([one(a), one(replace(b, images=b.images[::-1]))], COUNTS, resamples=300)
    for pair, other in zip(data["pairs"], turned["pairs"], strict=True):
        numbers = {key: value for key, value in pair.items() if isinstance(value, float)}
        assert {key: other[key] for key in numbers} == pytest.approx(numbers, abs=1e-12)


def test_a_sure_gain_is_significant_and_noise_is_not():
    worse = made_up("worse", patients=14, spread=1.0)
    data = compare_systems([one(better(worse, 8)), one(worse)], COUNTS, resamples=2000)
    for view in ("pooled", "per_image_mean"):
        pair = pair_of(data, "dice", view)
        assert pair["significant"] is True
        assert pair["low"] > 0
        assert pair["p_bootstrap"] == 2 / 2001
        assert 6 <= pair["patients_needed"] <= 14
        assert pair_of(data, "specificity", view)["significant"] is False
        assert pair_of(data, "specificity", view)["difference"] == 0
        assert pair_of(data, "specificity", view)["p_bootstrap"] == 1
        assert pair_of(data, "specificity", view)["patients_needed"] is None


def test_equal_systems_are_called_different_no_more_often_than_promised():
    rng = np.random.default_rng(0)
    claims = {"pooled": 0, "per_image_mean": 0}
    for _ in range(150):
        # The two find different pixels of the same truth, equally many on average; patients differ.
        images = {"a": [], "b": []}
        for patient in range(8):
            for kept in images.values():
                tp = int(rng.normal(700, 80))
                counts = Counts(tp, 200, 1000 - tp, 9000)
                kept.append(ImageSums(str(patient), str(patient), counts, None, {"dice": counts.dice()}))
        systems = [one(SystemSums(name, "system", 0.5, ("dice",), tuple(kept))) for name, kept in images.items()]
        for pair in compare_systems(systems, COUNTS[:1], resamples=300)["pairs"]:
            claims[pair["view"]] += pair["significant"]
    # 5% of 150 is 7.5; the bootstrap alone makes about 20 claims with eight patients.
    assert max(claims.values()) <= 14


def weighed(differences, scales) -> list[CompareSystem]:
    """Two systems, of which the first finds so many more of 1,000 vessel pixels; the photographs differ in size."""
    images = {"a": [], "b": []}
    for patient, (more, scale) in enumerate(zip(differences, scales, strict=True)):
        for name, found in (("a", 700 + more), ("b", 700)):
            counts = Counts(*(scale * n for n in (found, 200, 1000 - found, 9000)))
            images[name].append(ImageSums(str(patient), str(patient), counts, None, {"dice": counts.dice()}))
    return [one(SystemSums(name, "system", 0.5, ("dice",), tuple(i))) for name, i in images.items()]


def test_a_pooled_claim_rests_on_most_patients_not_on_large_photographs():
    # Three large photographs carry the pooled gain, most patients show none.
    systems = weighed([50, 50, 50, -20, 20, -21, 21, -22], [10_000] * 3 + [1] * 5)
    pooled, means = compare_systems(systems, COUNTS[:1], resamples=500)["pairs"]
    assert pooled["p_bootstrap_holm"] < 0.05
    assert means["p_wilcoxon_holm"] > 0.05
    assert pooled["significant"] is means["significant"] is False


def test_a_pooled_claim_must_point_where_the_means_point():
    systems = weighed([30] * 8 + [-40] * 22, [10_000] * 8 + [1] * 22)
    pooled, means = compare_systems(systems, COUNTS[:1], resamples=500)["pairs"]
    assert pooled["difference"] > 0 > means["difference"]
    assert pooled["p_bootstrap_holm"] < 0.05
    assert means["significant"] is True
    assert pooled["significant"] is False


def test_holm_corrects_over_the_pairs_of_one_metric_and_view():
    systems = [one(made_up(name, patients=7, seed=k, skill=2 - 0.1 * k)) for k, name in enumerate("abcd")]
    data = compare_systems(systems, ALL, resamples=500)
    for view, test in (("pooled", "p_bootstrap"), ("per_image_mean", "p_bootstrap"), ("per_image_mean", "p_wilcoxon")):
        pairs = [p for p in data["pairs"] if (p["view"], p["metric"]) == (view, "dice")]
        assert [(p["a"], p["b"]) for p in pairs] == [*zip("aaabbc", "bcdcdd", strict=True)]
        assert [p[f"{test}_holm"] for p in pairs] == holm([p[test] for p in pairs])


def test_the_order_of_a_pair_is_the_order_given():
    a, b = made_up("a", patients=7), made_up("b", patients=7, seed=1)
    first = pair_of(compare_systems([one(a), one(b)], COUNTS, resamples=200), "dice", "pooled", "a", "b")
    second = pair_of(compare_systems([one(b), one(a)], COUNTS, resamples=200), "dice", "pooled", "b", "a")
    assert second["difference"] == -first["difference"]
    assert (second["low"], second["high"]) == pytest.approx((-first["high"], -first["low"]))
    assert second["p_bootstrap"] == first["p_bootstrap"]


def test_seeds_are_averaged_and_their_spread_is_told():
    seeds = tuple(made_up(patients=7, seed=7, skill=skill) for skill in (1.8, 2.0, 2.3))
    net, other = CompareSystem("net", seeds), one(made_up("other", patients=7, seed=7, skill=1.7))
    data = compare_systems([net, other], ALL, resamples=400)
    assert data["systems"][0] == {"name": "net", "kind": "system", "seeds": 3}
    pooled = [sum((i.counts for i in sums.images), Counts()).dice() for sums in seeds]
    cell = data["tables"]["pooled"]["dice"]["net"]
    assert cell["value"] == pytest.approx(np.mean(pooled))
    assert cell["seed_sd"] == pytest.approx(np.std(pooled, ddof=1))
    assert cell["low"] < cell["value"] < cell["high"]
    images = np.mean([[image.values["dice"] for image in sums.images] for sums in seeds], axis=0)
    theirs = [image.values["dice"] for image in other.members[0].images]
    pair = pair_of(data, "dice", "per_image_mean")
    assert pair["p_wilcoxon"] == pytest.approx(scipy.stats.wilcoxon(np.round(images - theirs, 12)).pvalue)
    assert data["per_patient"]["dice"]["net"] == pytest.approx({f"child {n}": value for n, value in enumerate(images)})


def test_an_observer_stands_beside_systems_where_a_mask_has_figures():
    sums = made_up(patients=7)
    observer = as_observer(made_up(patients=7, skill=2.5))
    data = compare_systems([one(sums), one(observer)], ALL, resamples=200)
    assert {p["metric"] for p in data["pairs"]} == {m.name for m in [*COUNTS, SHAPE]}
    assert {p["view"] for p in data["pairs"] if p["metric"] == SHAPE.name} == {"per_image_mean"}
    assert data["tables"]["pooled"]["auc"]["second"] == dict.fromkeys(("value", "low", "high", "seed_sd"))
    assert data["tables"]["pooled"]["dice"]["second"]["value"] > 0
    assert data["systems"][1]["kind"] == "observer"


@pytest.mark.parametrize(("patients", "weak"), [(2, True), (5, True), (6, False)])
def test_below_six_patients_there_is_no_test(patients, weak):
    worse = made_up("worse", patients=patients)
    data = compare_systems([one(better(worse, 8)), one(worse)], COUNTS, resamples=200)
    assert data["weak"] is weak
    for pair in data["pairs"]:
        assert (pair["p_bootstrap"] is None) == (pair["p_bootstrap_holm"] is None) == weak
        assert (pair["significant"] is None) == weak
        assert pair["low"] <= pair["difference"] <= pair["high"]
    assert pair_of(data, "dice", "per_image_mean")["patients_needed"] >= 6


def test_one_patient_has_figures_but_no_intervals():
    data = compare_systems([one(made_up("a", patients=1, eyes=2)), one(made_up("b", 1, 2, seed=1))], ALL, resamples=50)
    assert data["n_patients"] == 1
    for pair in data["pairs"]:
        assert {pair[k] for k in ("low", "high", "p_bootstrap", "significant", "patients_needed")} == {None}
    cell = data["tables"]["pooled"]["dice"]["a"]
    assert cell["value"] > 0
    assert cell["low"] is cell["high"] is None


def test_means_are_compared_where_both_have_a_value():
    a = {str(n): [float(n)] for n in range(8)}
    b = {**{str(n): [n - 1.0] for n in range(8)}, "3": [np.nan], "4": [np.nan]}
    data = compare_systems([one(with_values(a, name="a")), one(with_values(b, name="b"))], [SHAPE], resamples=100)
    (pair,) = data["pairs"]
    assert pair["difference"] == pair["low"] == pair["high"] == 1
    assert pair["n_patients"] == 6
    assert data["per_patient"][SHAPE.name]["b"]["3"] is None
    assert data["tables"]["per_image_mean"][SHAPE.name]["b"]["value"] == pytest.approx(np.mean([-1, 0, 1, 4, 5, 6]))
    b["5"] = [np.nan]
    (pair,) = compare_systems([one(with_values(a, name="a")), one(with_values(b, name="b"))], [SHAPE], resamples=100)[
        "pairs"
    ]
    assert pair["n_patients"] == 5
    assert pair["significant"] is pair["p_wilcoxon"] is None


def test_other_photographs_are_refused_by_name():
    a, b = made_up("a", patients=4), made_up("b", patients=4)
    fewer = replace(b, images=b.images[:3])
    with pytest.raises(InputError, match=r"'a' and 'b' were not scored.*\(not in 'b': 3-0\)"):
        compare_systems([one(a), one(fewer)], COUNTS, resamples=50)
    with pytest.raises(InputError, match=r"\(not in 'b': 3-0\)"):
        compare_systems([one(a), CompareSystem("b", (b, fewer))], COUNTS, resamples=50)
    moved = replace(b, images=(replace(b.images[0], patient="child 3"), *b.images[1:]))
    with pytest.raises(InputError, match="of different patients: 0-0"):
        compare_systems([one(a), one(moved)], COUNTS, resamples=50)


def test_two_systems_of_one_name_and_none_at_all_are_refused():
    a = made_up("a", patients=2)
    with pytest.raises(InputError, match="two systems are called a"):
        compare_systems([one(a), one(a)], COUNTS)
    for nothing in ([], [CompareSystem("a", ())]):
        with pytest.raises(InputError, match="nothing to compare"):
            compare_systems(nothing, COUNTS)


def test_the_result_is_json_with_the_promised_keys():
    systems = [one(made_up("a", patients=6)), one(as_observer(made_up(patients=6, seed=3)))]
    data = json.loads(json.dumps(compare_systems(systems, ALL, resamples=100, seed=2), allow_nan=False))
    assert list(data) == [
        "n_patients", "n_images", "weak", "resamples", "seed", "level", "metrics", "systems", "tables", "pairs",
        "per_patient",
    ]  # fmt: skip
    assert data["metrics"] == [metric.name for metric in ALL]
    assert list(data["pairs"][0]) == [
        "a", "b", "view", "metric", "difference", "low", "high", "p_bootstrap", "p_wilcoxon", "p_bootstrap_holm",
        "p_wilcoxon_holm", "n_patients", "significant", "patients_needed",
    ]  # fmt: skip
    assert data == json.loads(json.dumps(compare_systems(systems, ALL, resamples=100, seed=2)))


# --- Several classes: figures that were pooled by the evaluation, no counts and no histograms -------------------------


def of_classes(name, values, pooled):
    """A system of which the mean IoU over classes is known on each photograph, and pooled."""
    sums = with_values({f"photograph {n}": [value] for n, value in enumerate(values)}, "iou", name)
    return replace(sums, pooled={"iou": pooled})


def test_systems_of_several_classes_are_compared_by_their_means(tmp_path):
    a = of_classes("a", [0.5, 0.6, 0.7, 0.4, 0.6, 0.8, 0.5, 0.6], 0.61)
    b = of_classes("b", [0.4, 0.5, 0.5, 0.3, 0.5, 0.6, 0.4, 0.5], 0.5)
    write_sums(tmp_path / "scores.npz", [a, b])
    a, b = read_sums(tmp_path / "scores.npz")
    data = compare_systems([one(a), one(b)], [m for m in COUNTS if m.name == "iou"], resamples=2000)
    cell = data["tables"]["pooled"]["iou"]["a"]
    assert cell == {"value": 0.61, "low": None, "high": None, "seed_sd": None}
    pooled, means = pair_of(data, "iou", "pooled"), pair_of(data, "iou", "per_image_mean")
    assert pooled["difference"] == pytest.approx(0.11)
    assert pooled["p_bootstrap"] is None
    assert pooled["significant"] is None
    assert means["low"] > 0
    assert means["significant"]
    write_comparison(tmp_path, data, "as it is")
    assert "a" in (tmp_path / "comparison.md").read_text()


def test_several_seeds_of_several_classes():
    seeds = [
        of_classes("a", [0.5, 0.6, 0.7, 0.4, 0.6, 0.8], 0.6),
        of_classes("a", [0.6, 0.6, 0.7, 0.4, 0.6, 0.8], 0.64),
    ]
    data = compare_systems([CompareSystem("a", tuple(seeds))], [m for m in COUNTS if m.name == "iou"], resamples=200)
    cell = data["tables"]["pooled"]["iou"]["a"]
    assert cell["value"] == pytest.approx(0.62)
    assert cell["seed_sd"] == pytest.approx(np.std([0.6, 0.64], ddof=1))
