"""Metrics: scikit-learn's numbers, batch by batch as in one go, and errors."""

from __future__ import annotations

from copy import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from nn import metrics as M
from nn.functional import cross_entropy


@pytest.fixture(scope="module")
def sk():
    return pytest.importorskip("sklearn.metrics")


def draw(seed, n=40, classes=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, classes)), rng.integers(0, classes, n)


def gathered(metric, output, target):
    """The metric over uneven batches, half of them by way of a state."""
    for part in np.split(np.arange(len(output)), [1, 7, 20]):
        metric.update(ad.tensor(output[part]), target[part])
        other = copy(metric)
        other.reset()
        other.load_state_dict(metric.state_dict())
        metric = other
    return metric.compute()


@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 5))
def test_equal_to_scikit_learn(sk, seed, classes) -> None:
    scores, y = draw(seed, classes=classes)
    guess = scores.argmax(1)
    assert gathered(M.Accuracy(), scores, y) == M.accuracy(guess, y) == pytest.approx(sk.accuracy_score(y, guess))
    for normalize in (None, "true", "pred", "all"):
        theirs = sk.confusion_matrix(y, guess, labels=range(classes), normalize=normalize)
        np.testing.assert_allclose(gathered(M.ConfusionMatrix(classes, normalize=normalize), scores, y), theirs)
    for average in M.AVERAGES:
        if average == "binary" and classes > 2:
            continue
        for ours, theirs in ((M.Precision, sk.precision_score), (M.Recall, sk.recall_score), (M.F1, sk.f1_score)):
            options = {"labels": range(classes)} if average is None else {}
            expected = theirs(y, guess, average=average, zero_division=0, **options)
            np.testing.assert_allclose(gathered(ours(average), scores, y), expected, rtol=1e-12)
    if len(set(y.tolist())) == classes:
        odds = np.exp(scores)
        probabilities = odds / odds.sum(1, keepdims=True)
        given_ = probabilities[:, 1] if classes == 2 else probabilities
        expected = sk.roc_auc_score(y, given_, multi_class="ovr")
        assert gathered(M.ROCAUC(), probabilities, y) == pytest.approx(expected)
        assert M.roc_auc(scores, y) == pytest.approx(expected)  # logits
    top = (
        sk.top_k_accuracy_score(y, scores + 1e-9 * -np.arange(classes), k=2, labels=range(classes))
        if classes > 2
        else 1
    )
    assert gathered(M.TopKAccuracy(2), scores, y) == pytest.approx(top)


@given(seed=st.integers(0, 10**6))
def test_binary_scores_equal_scikit_learn_ties_included(sk, seed) -> None:
    scores, y = draw(seed, 30, 2)
    scores = scores[:, 0].round(1)
    if 0 < y.sum() < len(y):
        assert gathered(M.ROCAUC(), scores, y) == pytest.approx(sk.roc_auc_score(y, scores))
    assert M.accuracy(scores, y) == pytest.approx(sk.accuracy_score(y, scores > 0))
    assert M.accuracy(scores[:, None], y[:, None].astype(np.float32), 0.5) == pytest.approx(
        np.mean((scores > 0.5) == y)
    )
    expected = sk.f1_score(y, scores > 0, average="binary", zero_division=0)
    assert M.f1(scores, y, "binary") == pytest.approx(expected)


def test_more_axes_and_ignored_targets() -> None:
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(3, 4, 5)), rng.integers(0, 4, (3, 5))
    loss = cross_entropy(ad.tensor(logits), ad.tensor(y)).item()
    assert gathered(M.Perplexity(), logits, y) == pytest.approx(np.exp(loss))
    assert M.accuracy(logits, y) == pytest.approx((logits.argmax(1) == y).mean())
    kept = y != 2
    masked = cross_entropy(ad.tensor(logits), ad.tensor(y), ignore_index=2).item()
    assert M.perplexity(logits, y, ignore_index=2) == pytest.approx(np.exp(masked))
    assert M.accuracy(logits, y, ignore_index=2) == pytest.approx((logits.argmax(1) == y)[kept].mean())
    assert M.perplexity(np.array([[1e4, -1e4], [-1e4, 1e4]]), [0, 1]) == 1


def test_ties_and_nan_do_not_flatter() -> None:
    assert M.top_k_accuracy(np.zeros((10, 5)), np.arange(10) % 5, k=2) == pytest.approx(0.4)
    assert M.top_k_accuracy(np.full((3, 3), np.nan), [0, 1, 2], k=1) == pytest.approx(1 / 3)


def test_classes_that_do_not_occur_do_not_count(sk) -> None:
    guess, y = [0, 3, 3], [0, 3, 0]
    assert M.f1(guess, y) == pytest.approx(sk.f1_score(y, guess, average="macro"))
    assert M.f1(guess, y, None).shape == (4,)


def test_a_metric_is_reset() -> None:
    metric = M.Accuracy()
    metric.update([1], [1])
    metric.reset()
    metric.update([0], [1])
    assert metric.compute() == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: M.Accuracy().compute(), RuntimeError, "Accuracy: nothing to compute from"),
        (lambda: M.accuracy([], []), ValueError, "no targets that count"),
        (lambda: M.accuracy(np.ones((3, 4)), [1, 2]), ValueError, r"\(3, 4\) and target \(2,\); expected scores"),
        (lambda: M.accuracy(np.ones((3, 1)), [1, 0, 1]), ValueError, r"squeeze\(1\)"),
        (lambda: M.accuracy(np.ones((3, 2)), [1.0, 0.0, 1.0]), TypeError, "float64, expected classes"),
        (lambda: M.accuracy([0.3, 0.2], [0.5, 1.0]), ValueError, "must be 0 or 1"),
        (lambda: M.confusion_matrix([0, 3], [0, 1], 3), ValueError, "class 3 .* expected 0 to 2"),
        (lambda: M.confusion_matrix([0, -1], [0, 1]), ValueError, "class -1"),
        (lambda: M.ConfusionMatrix(normalize="x"), ValueError, "'x'"),
        (lambda: M.Precision("mean"), ValueError, "Precision: average must be one of"),
        (lambda: M.f1([0, 1, 2], [0, 1, 2], "binary"), ValueError, "is for two classes, got 3"),
        (lambda: M.TopKAccuracy(0), ValueError, "at least 1"),
        (lambda: M.top_k_accuracy(np.ones((2, 3)), [0, 1], k=4), ValueError, "k=4 of only 3"),
        (lambda: M.roc_auc([0.1, 0.2], [1, 1]), ValueError, "2 samples of class 1 and 0 others"),
        (lambda: M.roc_auc([0.1, np.nan], [1, 0]), ValueError, "NaN"),
        (lambda: M.perplexity(np.ones((2, 3)), [0, 3]), IndexError, "targets from 0 to 3; use 0 to 2"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call()
