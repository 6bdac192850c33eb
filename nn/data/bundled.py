"""The small real data sets that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.data.dataset import TensorDataset

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")


class Table(TensorDataset):
    """Inputs and targets with the names of their columns and, of a classification, the names of its classes."""

    def __init__(self, inputs: Any, targets: Any, feature_names: Sequence[str], classes: Sequence[str] | None) -> None:
        super().__init__(inputs, targets)
        self.feature_names, self.classes = list(feature_names), None if classes is None else list(classes)


def bundled(name: str) -> Table:
    """Return a data set of scikit-learn's: float32 inputs (N, features), and classes or float32 targets.

    The names are breast_cancer, digits, iris and wine (classes), diabetes and linnerud (numbers). Digits are pictures
    (N, 1, 8, 8) with values from 0 to 1; all others are as measured, so scale them.

    >>> iris = bundled("iris")
    >>> iris.tensors[0].shape, iris.classes
    ((150, 4), ['setosa', 'versicolor', 'virginica'])
    """
    if name not in NAMES:
        raise ValueError(f"bundled: no data set {name!r}; expected one of {', '.join(NAMES)}")
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError("bundled needs scikit-learn: pip install 'ndtape[examples]'") from error
    bunch = getattr(datasets, f"load_{name}")()
    inputs = bunch.data.astype(np.float32)
    if name == "digits":
        inputs = inputs.reshape(-1, 1, 8, 8) / 16
    if name in ("diabetes", "linnerud"):
        return Table(inputs, bunch.target.astype(np.float32).reshape(len(inputs), -1), bunch.feature_names, None)
    return Table(inputs, bunch.target.astype(np.int64), bunch.feature_names, [str(c) for c in bunch.target_names])
