"""What every registered training-free method must do, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from retseg.core.config import Section
from retseg.core.errors import ConfigError, ImageError
from retseg.datasets.base import VESSELS
from retseg.datasets.synthetic import store
from retseg.datasets.synthetic.cameras import CAMERAS
from retseg.imaging.io import read_image, read_label
from retseg.inference.method_predictor import class_probabilities
from retseg.methods.method import Example, Fitted, Method
from retseg.methods.registry import METHODS

pytestmark = pytest.mark.parametrize("name", METHODS.names())
BLIND = ("nothing", "frequency")
"""Methods that do not look at the photograph."""
DIAMETER = 200


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    """A generated photograph (image, field of view, class map) of the small camera."""
    root = tmp_path_factory.mktemp("generated")
    (order,) = store.orders(1, 3, CAMERAS["small"])
    store.make(root, order)
    image = read_image(root / order.files["image"])
    fov = read_label(root / order.files["fov"]) > 0
    vessel = read_label(root / order.files[store.EXACT]) > 0
    return image, fov, np.where(~fov, 0, np.where(vessel, 1, 2)).astype(np.uint8)


def disc(side: int = 160, shade: float = 0.5, noise: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """A retina without vessels, darker towards the rim, on black."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(y, x) / (0.45 * side)
    fov = radius < 1
    green = 120 * (1 - shade * radius**2)
    image = np.repeat((green * fov)[..., None], 3, axis=2)
    image = image * (1 + np.random.default_rng(0).normal(0, noise / 120, image.shape))
    return image.clip(0, 255).astype(np.uint8), fov


def learnt(method: Method, image: np.ndarray, fov: np.ndarray, labels: np.ndarray | None = None) -> Fitted | None:
    if method.fit is None:
        return None
    drawn = np.where(fov, 2, 0).astype(np.uint8) if labels is None else labels
    return method.fit(Example(image, fov, drawn), VESSELS, method.parameters())


def scores(name: str, image: np.ndarray, fov: np.ndarray, fitted: Fitted | None = None, **values: object) -> np.ndarray:
    method = METHODS.get(name)
    fitted = fitted or learnt(method, image, fov)
    found = method.scores(image, fov, method.options({"diameter": DIAMETER, **values}), fitted)
    return found[VESSELS.positive] if method.every_class else found


def test_describes_itself(name: str) -> None:
    method = METHODS.get(name)
    assert isinstance(method, Method)
    assert method.name == name
    assert issubclass(method.parameters, Section)
    assert method.parameters.__doc__
    for text in (method.title, method.about, method.citation):
        assert len(text) > 5
    assert "e.g." not in method.about


def test_everything_in_its_grid_is_possible_and_the_grid_is_small(name: str) -> None:
    method = METHODS.get(name)
    number = 1
    for key, values in method.grid.items():
        assert len(set(values)) == len(values)
        number *= len(values)
        for value in values:
            assert getattr(method.options({key: value}), key) == value
    assert number <= 12, "a method is tuned in a minute or two"


def test_an_unknown_parameter_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        METHODS.get(name).options({"nonsense": 1})


def test_scores_are_finite_probabilities_of_native_size_and_zero_outside(name: str, photograph) -> None:
    image, fov, labels = photograph
    method = METHODS.get(name)
    found = scores(name, image, fov, learnt(method, image, fov, labels))
    assert found.shape == fov.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert 0 <= found.min() <= found.max() <= 1
    assert not found[~fov].any()
    assert not method.binary or set(np.unique(found)) <= {0.0, 1.0}


def test_beats_chance_on_a_photograph(name: str, photograph) -> None:
    image, fov, labels = photograph
    found = scores(name, image, fov, learnt(METHODS.get(name), image, fov, labels), diameter=600)
    area = roc_auc_score(labels[fov] == 1, found[fov])
    assert area == 0.5 if name == "nothing" else area > 0.7


def test_is_deterministic(name: str, photograph) -> None:
    image, fov, labels = photograph
    fitted = learnt(METHODS.get(name), image, fov, labels)
    assert np.array_equal(scores(name, image, fov, fitted), scores(name, image.copy(), fov.copy(), fitted))


def test_what_lies_outside_the_field_of_view_has_no_part_in_it(name: str, photograph) -> None:
    image, fov, labels = photograph
    fitted = learnt(METHODS.get(name), image, fov, labels)
    noise = np.random.default_rng(1).integers(0, 256, image.shape).astype(np.uint8)
    other = np.where(fov[..., None], image, noise)
    # On the native grid: shrinking a photograph mixes in what lies beyond the rim, as for nets.
    native = scores(name, image, fov, fitted, diameter=None)
    assert np.array_equal(native, scores(name, other, fov, fitted, diameter=None))


@pytest.mark.parametrize("shade", [0.0, 0.6])
def test_the_rim_is_no_vessel(name: str, shade: float) -> None:
    image, fov = disc(shade=shade)
    y, x = np.mgrid[: fov.shape[0], : fov.shape[1]] - (fov.shape[0] - 1) / 2
    radius = np.hypot(y, x) / (0.45 * fov.shape[0])
    found = scores(name, image, fov, diameter=None)
    rim, centre = found[fov & (radius > 0.92)], found[radius < 0.5]
    assert rim.mean() <= centre.mean() + 0.1


@pytest.mark.parametrize("grey", [0, 1, 90, 255])
def test_a_photograph_of_one_colour_has_no_vessels(name: str, grey: int) -> None:
    image, fov = np.full((90, 100, 3), grey, np.uint8), disc(100)[1][5:95]
    for field in (fov, np.ones_like(fov)):
        found = scores(name, image, field)
        assert np.isfinite(found).all()
        assert found.max() < 0.5


def test_tiny_and_long_photographs_work(name: str) -> None:
    for shape in ((16, 16), (12, 60), (61, 9)):
        image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
        for diameter in (None, 40):
            found = scores(name, image, np.ones(shape, bool), diameter=diameter)
            assert found.shape == shape
            assert np.isfinite(found).all()


def test_a_field_of_view_of_another_size_is_a_mistake(name: str) -> None:
    method = METHODS.get(name)
    fitted = learnt(method, *disc(40))
    with pytest.raises(ImageError, match="field of view"):
        method.scores(np.zeros((20, 20, 3), np.uint8), np.ones((20, 21), bool), method.parameters(), fitted)


def test_class_probabilities_sum_to_one_and_follow_the_class_table(name: str, photograph) -> None:
    image, fov, labels = photograph
    method = METHODS.get(name)
    fitted = learnt(method, image, fov, labels)
    parameters = method.options({"diameter": DIAMETER})
    found = class_probabilities(method, parameters, fitted, VESSELS, image, fov)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    assert (found[VESSELS.outside][~fov] == 1).all()
    assert np.array_equal(found[VESSELS.positive], scores(name, image, fov, fitted))
