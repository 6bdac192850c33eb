"""How good predictions are: numbers over a whole data set, gathered batch by batch.

Each metric is a class with `update(output, target)`, `compute()` and `reset()`, and a function for data at hand.
Outputs are scores (N, C, d1, …) as losses take them, or have the target's shape: then they are class numbers, or, if
floating, scores of class 1, which is predicted above `threshold` (0 suits logits, 0.5 probabilities). Tensors and
arrays are taken alike; what is returned are Python floats and arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autodiff import Tensor

Array = np.ndarray[Any, Any]
AVERAGES = ("macro", "micro", "weighted", "binary", None)


class Metric:
    """The base: subclasses define `count(output, target)`, an array of sums over a batch, and `value(total)`.

    >>> metric = Accuracy()
    >>> metric.update([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    >>> metric.update([[0.3, 0.7]], [1])
    >>> round(metric.compute(), 3)
    0.667
    """

    _total: Array | None = None

    def count(self, output: Array, target: Array) -> Array:
        """Return what a batch adds to the total."""
        raise NotImplementedError(f"{type(self).__name__} must define count(self, output, target)")

    def value(self, total: Array) -> Any:
        """Return the metric, given the total of all batches."""
        raise NotImplementedError(f"{type(self).__name__} must define value(self, total)")

    def join(self, total: Array, part: Array) -> Array:
        """Return the total with a batch added."""
        return np.asarray(total + part)

    def update(self, output: Any, target: Any) -> None:
        """Take a batch into account."""
        part = self.count(_array(output), _array(target))
        self._total = part if self._total is None else self.join(self._total, part)

    def compute(self) -> Any:
        """Return the metric over all batches since the last reset."""
        if self._total is None:
            raise RuntimeError(f"{type(self).__name__}: nothing to compute from; call update(output, target) before")
        return self.value(self._total)

    def reset(self) -> None:
        """Forget all batches."""
        self._total = None

    def state_dict(self) -> dict[str, Any]:
        """Return what was gathered."""
        return {"total": self._total}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what another of the same kind had gathered."""
        total = state_dict["total"]
        self._total = None if total is None else np.array(_array(total))


class Accuracy(Metric):
    """The share of right predictions; targets equal to `ignore_index` do not count.

    >>> Accuracy().update([2.0, -1.0], [1, 1])
    """

    def __init__(self, threshold: float = 0.0, ignore_index: int | None = None) -> None:
        self.threshold, self.ignore_index = threshold, ignore_index

    def count(self, output: Array, target: Array) -> Array:
        predicted, labels, _ = _classes(self, output, target, self.threshold)
        kept = np.ones(labels.shape, bool) if self.ignore_index is None else labels != self.ignore_index
        return np.array([np.count_nonzero((predicted == labels) & kept), np.count_nonzero(kept)])

    def value(self, total: Array) -> float:
        return _share(self, *total)


class TopKAccuracy(Metric):
    """The share of samples whose class is among the `k` with the highest scores, the first of equals coming first."""

    def __init__(self, k: int = 5) -> None:
        if k < 1:
            raise ValueError(f"TopKAccuracy: k must be at least 1, got {k}")
        self.k = k

    def count(self, output: Array, target: Array) -> Array:
        scores, labels = _scores(self, output, target)
        if scores.shape[1] < self.k:
            raise ValueError(f"TopKAccuracy: k={self.k} of only {scores.shape[1]} classes")
        best = np.argsort(-scores, axis=1, kind="stable")[:, : self.k]  # NaN comes last
        return np.array([np.count_nonzero(best == labels[:, None]), len(labels)])

    def value(self, total: Array) -> float:
        return _share(self, *total)


class ConfusionMatrix(Metric):
    """How often a class (row) was taken for a class (column).

    `normalize` divides by the sums of rows ('true'), of columns ('pred') or by the number of samples ('all'). Without
    `num_classes` the matrix is as large as scores or the highest class demand.

    >>> confusion_matrix([0, 1, 1], [0, 1, 0]).tolist()
    [[1, 1], [0, 1]]
    """

    def __init__(self, num_classes: int | None = None, threshold: float = 0.0, normalize: str | None = None) -> None:
        if normalize not in ("true", "pred", "all", None):
            raise ValueError(f"normalize must be one of 'true', 'pred', 'all', None; got {normalize!r}")
        self.num_classes, self.threshold, self.normalize = num_classes, threshold, normalize

    def count(self, output: Array, target: Array) -> Array:
        predicted, labels, classes = _classes(self, output, target, self.threshold)
        highest = int(max(predicted.max(initial=0), labels.max(initial=0)))
        lowest = int(min(predicted.min(initial=0), labels.min(initial=0)))
        n = self.num_classes or max(classes, highest + 1)
        if lowest < 0 or highest >= n:
            raise ValueError(
                f"{type(self).__name__}: class {lowest if lowest < 0 else highest} among predictions or targets; "
                f"expected 0 to {n - 1}"
            )
        return np.bincount(labels * n + predicted, minlength=n * n).reshape(n, n)

    def join(self, total: Array, part: Array) -> Array:
        n = max(len(total), len(part))
        return np.asarray(sum(np.pad(m, (0, n - len(m))) for m in (total, part)))

    def value(self, total: Array) -> Array:
        if self.normalize is None:
            return total
        axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
        return np.asarray(total / np.maximum(total.sum(axis, keepdims=True), 1))


class _PerClass(ConfusionMatrix):
    """A share for each class, averaged."""

    def __init__(self, average: str | None = "macro", num_classes: int | None = None, threshold: float = 0.0) -> None:
        super().__init__(num_classes, threshold)
        if average not in AVERAGES:
            raise ValueError(f"{type(self).__name__}: average must be one of {AVERAGES}, got {average!r}")
        self.average = average

    def parts(self, right: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        """Return numerators and denominators, given how often a class was rightly predicted, predicted and there."""
        raise NotImplementedError

    def value(self, total: Array) -> Any:
        right, predicted, actual = np.diag(total), total.sum(0), total.sum(1)
        if self.average == "micro":
            right, predicted, actual = right.sum(), predicted.sum(), actual.sum()
        above, below = self.parts(right, predicted, actual)
        shares = above / np.maximum(below, 1)
        if self.average is None:
            return shares
        if self.average == "binary":
            if len(total) > 2:
                raise ValueError(
                    f"{type(self).__name__}: average='binary' is for two classes, got {len(total)}; use 'macro'"
                )
            return float(shares[1]) if len(total) == 2 else 0.0
        if self.average == "micro":
            return float(shares)
        weights = actual if self.average == "weighted" else predicted + actual > 0
        return float(shares @ weights / max(weights.sum(), 1))


class Precision(_PerClass):
    """Of what was predicted to be of a class, the share that is.

    `average` is 'macro' (the mean over the classes that occur), 'weighted' (by how often they do), 'micro' (over all
    samples), 'binary' (class 1 of two), or None for an array with each class. 0/0 is 0.
    """

    def parts(self, right: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        return right, predicted


class Recall(_PerClass):
    """Of what is of a class, the share that was predicted to be; `average` as in Precision."""

    def parts(self, right: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        return right, actual


class F1(_PerClass):
    """The harmonic mean of precision and recall; `average` as in Precision.

    >>> f1([0, 1, 1], [0, 1, 0], average="binary")
    0.66...
    """

    def parts(self, right: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        return 2 * right, predicted + actual


class ROCAUC(Metric):
    """The probability that a sample of class 1 scores above one of class 0, ties counting half.

    With scores (N, C, …) of more than two classes, the mean over each class against the rest; rows that are not
    probabilities go through softmax first. All scores are kept, in memory.

    >>> roc_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """

    def count(self, output: Array, target: Array) -> Array:
        if output.shape == target.shape:
            scores, labels = output.reshape(-1, 1).astype(np.float64), target.ravel()
        else:
            scores, labels = _scores(self, output, target)
            scores = scores.astype(np.float64)
            if not ((scores >= 0).all() and np.allclose(scores.sum(1), 1, atol=1e-3)):
                scores = np.exp(scores - _logsumexp(scores)[:, None])
            if scores.shape[1] == 2:
                scores = scores[:, 1:]
        if np.isnan(scores).any():
            raise ValueError("ROCAUC: scores hold NaN, which has no rank")
        return np.column_stack([labels, scores])

    def join(self, total: Array, part: Array) -> Array:
        return np.concatenate([total, part])

    def value(self, total: Array) -> float:
        labels, scores = total[:, 0], total[:, 1:]
        classes = range(scores.shape[1]) if scores.shape[1] > 1 else [1]
        return float(np.mean([self._area(labels == c, s, c) for c, s in zip(classes, scores.T, strict=True)]))

    def _area(self, positive: Array, scores: Array, number: int) -> float:
        """Return the area from the ranks of the positive scores (Mann & Whitney's U)."""
        some = np.count_nonzero(positive)
        rest = len(positive) - some
        if not some or not rest:
            raise ValueError(f"ROCAUC: {some} samples of class {number} and {rest} others; it needs some of both")
        _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
        return float((ranks[positive].sum() - some * (some + 1) / 2) / (some * rest))


class Perplexity(Metric):
    """exp of the mean cross-entropy of logits (N, C, d1, …); targets equal to `ignore_index` do not count.

    >>> round(perplexity(np.zeros((3, 5)), [0, 1, 2]), 6)
    5.0
    """

    def __init__(self, ignore_index: int | None = None) -> None:
        self.ignore_index = ignore_index

    def count(self, output: Array, target: Array) -> Array:
        logits, labels = _scores(self, output, target)
        kept = np.ones(labels.shape, bool) if self.ignore_index is None else labels != self.ignore_index
        logits, labels = logits[kept].astype(np.float64), labels[kept]
        if labels.size and not 0 <= labels.min() <= labels.max() < logits.shape[1]:
            raise IndexError(
                f"Perplexity: targets from {labels.min()} to {labels.max()}; use 0 to {logits.shape[1] - 1}"
            )
        losses = _logsumexp(logits) - logits[np.arange(len(labels)), labels]
        return np.array([losses.sum(), len(labels)])

    def value(self, total: Array) -> float:
        return float(np.exp(_share(self, *total)))


# --- functions for data at hand --------------------------------------------------------------------------------------


def accuracy(output: Any, target: Any, threshold: float = 0.0, ignore_index: int | None = None) -> float:
    """Return the share of right predictions.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    return _once(Accuracy(threshold, ignore_index), output, target)  # type: ignore[no-any-return]


def top_k_accuracy(output: Any, target: Any, k: int = 5) -> float:
    """Return the share of samples whose class is among the k with the highest scores."""
    return _once(TopKAccuracy(k), output, target)  # type: ignore[no-any-return]


def confusion_matrix(
    output: Any, target: Any, num_classes: int | None = None, threshold: float = 0.0, normalize: str | None = None
) -> Array:
    """Return how often a class (row) was taken for a class (column)."""
    return _once(ConfusionMatrix(num_classes, threshold, normalize), output, target)  # type: ignore[no-any-return]


def precision(output: Any, target: Any, average: str | None = "macro", **options: Any) -> Any:
    """Return `Precision` of data at hand."""
    return _once(Precision(average, **options), output, target)


def recall(output: Any, target: Any, average: str | None = "macro", **options: Any) -> Any:
    """Return `Recall` of data at hand."""
    return _once(Recall(average, **options), output, target)


def f1(output: Any, target: Any, average: str | None = "macro", **options: Any) -> Any:
    """Return `F1` of data at hand."""
    return _once(F1(average, **options), output, target)


def roc_auc(output: Any, target: Any) -> float:
    """Return `ROCAUC` of data at hand."""
    return _once(ROCAUC(), output, target)  # type: ignore[no-any-return]


def perplexity(output: Any, target: Any, ignore_index: int | None = None) -> float:
    """Return `Perplexity` of data at hand."""
    return _once(Perplexity(ignore_index), output, target)  # type: ignore[no-any-return]


# --- what they share -------------------------------------------------------------------------------------------------


def _once(metric: Metric, output: Any, target: Any) -> Any:
    metric.update(output, target)
    return metric.compute()


def _array(x: Any) -> Array:
    return np.asarray(x.data if isinstance(x, Tensor) else x)


def _share(metric: Metric, part: Any, whole: Any) -> float:
    if not whole:
        raise ValueError(f"{type(metric).__name__}: no targets that count, so there is no mean")
    return float(part / whole)


def _logsumexp(logits: Array) -> Array:
    top = logits.max(1, initial=-np.inf)
    return np.asarray(np.log(np.exp(logits - top[:, None]).sum(1)) + top)


def _scores(metric: Metric, output: Array, target: Array) -> tuple[Array, Array]:
    """Return scores (samples, classes) and classes (samples), given (N, C, d1, …) and (N, d1, …)."""
    if output.ndim < 2 or output.shape[:1] + output.shape[2:] != target.shape:
        raise ValueError(
            f"{type(metric).__name__}: output has shape {output.shape} and target {target.shape}; "
            "expected scores (N, C, d1, …) and classes (N, d1, …)"
        )
    if output.shape[1] == 1:
        raise ValueError(
            f"{type(metric).__name__}: output of shape {output.shape} has one score for each sample; "
            "give it the target's shape, e.g. with .squeeze(1)"
        )
    if target.dtype.kind not in "iub":
        raise TypeError(f"{type(metric).__name__}: target holds {target.dtype}, expected classes: .astype(int)")
    return np.moveaxis(output, 1, -1).reshape(-1, output.shape[1]), target.ravel().astype(np.int64)


def _classes(metric: Metric, output: Array, target: Array, threshold: float) -> tuple[Array, Array, int]:
    """Return predicted classes, classes, and how many there must be."""
    if output.shape != target.shape:
        scores, labels = _scores(metric, output, target)
        return scores.argmax(1), labels, scores.shape[1]
    if target.dtype.kind == "f" and not np.isin(target, (0, 1)).all():
        raise ValueError(f"{type(metric).__name__}: targets of {target.dtype} must be 0 or 1, the classes")
    predicted = output > threshold if output.dtype.kind == "f" else output
    return predicted.ravel().astype(np.int64), target.ravel().astype(np.int64), 2 if output.dtype.kind == "f" else 1
