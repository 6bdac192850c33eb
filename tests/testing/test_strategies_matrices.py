"""Strategies for matrices keep what they promise of singular values and eigenvalues."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from autodiff.testing import distinct_eigenvalues, spd_matrices, well_conditioned

SIZES = st.integers(0, 4)


@given(well_conditioned(SIZES, cond=20.0, batch=(2,)))
def test_condition_numbers_are_bounded(m: Any) -> None:
    assert m.shape[0] == 2
    assert m.shape[1] == m.shape[2] <= 4
    values = np.linalg.svd(m, compute_uv=False)
    assert np.all((values > 0.999) & (values < 20.001))


@given(spd_matrices(SIZES, cond=5.0, batch=(2,)))
def test_spd_matrices_are_symmetric_with_positive_eigenvalues(m: Any) -> None:
    np.testing.assert_array_equal(m, np.swapaxes(m, -1, -2))
    values = np.linalg.eigvalsh(m)
    assert np.all((values > 0.999) & (values < 5.001))


@given(distinct_eigenvalues(st.integers(2, 4), gap=0.3, batch=(2,)))
def test_eigenvalues_are_apart(m: Any) -> None:
    np.testing.assert_array_equal(m, np.swapaxes(m, -1, -2))
    assert np.diff(np.linalg.eigvalsh(m)).min() > 0.299


def drawn(strategy: st.SearchStrategy[Any], count: int = 60) -> list[Any]:
    values: list[Any] = []

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate])
    @given(strategy)
    def draw(value: Any) -> None:
        values.append(value)

    draw()
    return values


def test_determinants_have_both_signs_and_eigenvalues_too() -> None:
    signs = {float(np.sign(np.linalg.det(m))) for m in drawn(well_conditioned(3))}
    assert signs == {-1.0, 1.0}
    values = np.concatenate([np.linalg.eigvalsh(m) for m in drawn(distinct_eigenvalues(4))])
    assert values.min() < -0.5
    assert values.max() > 0.5


def test_condition_numbers_are_reached_and_vectors_are_not_the_axes() -> None:
    matrices = drawn(well_conditioned(3, cond=50.0))
    assert max(np.linalg.cond(m) for m in matrices) > 15
    assert np.mean([np.count_nonzero(m) > 6 for m in matrices]) > 0.3


@pytest.mark.parametrize("strategy", [well_conditioned(3), spd_matrices(3)])
def test_matrices_shrink_to_the_identity(strategy: Any) -> None:
    np.testing.assert_array_equal(find(strategy, lambda m: True), np.eye(3))


def test_matrices_with_eigenvalues_apart_shrink_to_a_diagonal_one() -> None:
    m = find(distinct_eigenvalues(3, gap=1.0), lambda m: True)
    np.testing.assert_array_equal(m, np.diag([-1.0, 0.0, 1.0]))


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (well_conditioned(2, cond=0.5), "cond=0.5; expected at least 1"),
        (spd_matrices(2, cond=0.0), "cond=0.0; expected at least 1"),
        (distinct_eigenvalues(2, gap=0.0), "gap=0.0; expected more than 0"),
    ],
)
def test_what_no_matrix_fulfils_is_refused(strategy: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find(strategy, lambda m: True)
