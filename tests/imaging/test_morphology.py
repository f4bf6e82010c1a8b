from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from retseg.imaging.morphology import dilated, eroded


@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    steps=st.integers(1, 6),
    share=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_as_scipy_says(height: int, width: int, steps: int, share: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < share
    kept = mask.copy()
    np.testing.assert_array_equal(eroded(mask, steps), ndimage.binary_erosion(mask, iterations=steps, border_value=1))
    np.testing.assert_array_equal(dilated(mask, steps), ndimage.binary_dilation(mask, iterations=steps))
    np.testing.assert_array_equal(mask, kept)
