"""How losses of nn are drawn: their options, and what they compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.creation import as_tensor
from autodiff.testing.strategies.arrays import GRID, drawn, levels

Loss = Callable[[Any], tuple[dict[str, Any], list[Any]]]

POSITIVE = np.abs(levels(away_from=(0.0,)))
SIGNS = np.array([1, -1])
HALVES = np.array([0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -2.0])


def _reduction(d: Any) -> tuple[dict[str, Any], int]:
    """Draw a reduction, and say how long axes must be for it: there is no mean of nothing."""
    name = d.choice("mean", "sum", "none")
    return {"reduction": name}, int(name == "mean")


def _pair(d: Any, shape: Any, *kinks: float) -> list[Any]:
    """Draw an input and a target, whose differences are clear of the kinks, or often there."""
    target = d.values(shape)
    difference = d.values(shape, levels(away_from=kinks) if d.smooth else levels(at=kinks))
    return [as_tensor(target + difference), as_tensor(target)]


def _labels(d: Any, shape: Any, classes: int) -> Any:
    """Draw labels; the last class is among them."""
    labels = drawn(d.draw, shape, np.arange(classes))
    labels.reshape(-1)[:1] = classes - 1
    return as_tensor(labels)


def difference(kinks: Callable[..., tuple[float, ...]], *options: dict[str, Any], weight: bool = False) -> Loss:
    """Return what draws a loss of the difference of two tensors."""

    def loss(d: Any) -> tuple[dict[str, Any], list[Any]]:
        reduction, sides = _reduction(d)
        given, shape = d.choice(*options), d.shape(sides=sides)
        if weight and d.choice(False, True):
            reduction["weight"] = d.tensor(shape, POSITIVE)
        return reduction | given, _pair(d, shape, *kinks(**given))

    return loss


def poisson(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw means or their logarithms, and counts, clear of 1 where Stirling's term begins."""
    options, sides = _reduction(d)
    options |= {"log_input": d.choice(True, False), "full": d.choice(False, True), "eps": d.choice(1e-8, 0.5)}
    shape = d.shape(sides=sides)
    counts = np.array([3.0, 0.5, 2.0, *([] if d.smooth else [1.0]), *([] if options["full"] else [0.0])])
    return options, [d.tensor(shape, GRID if options["log_input"] else POSITIVE), d.tensor(shape, counts)]


def gaussian(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw means, targets, and variances of every shape; those below eps have not the function's own gradient."""
    options, sides = _reduction(d)
    options |= {"full": d.choice(False, True), "eps": d.choice(1e-6, 0.125 if d.smooth else 1.0)}
    shape = d.shape(dims=1, sides=sides)
    form = d.choice(shape, (*shape[:-1], 1), shape[:-1])
    return options, [d.tensor(shape), d.tensor(shape), d.tensor(form, POSITIVE)]


def cross_entropy(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw logits (C), (N, C) or (N, C, d), labels or probabilities, and every option; some label always counts."""
    options = {
        "reduction": d.choice("mean", "sum", "none"),
        "label_smoothing": d.choice(0.0, 0.1, 1.0),
        "ignore_index": d.choice(-100, 0),
    }
    classes, lead = d.integer(2, 4), d.shape(sides=int(options["reduction"] == "mean"))[:2]
    shape = (*lead[:1], classes, *lead[1:])
    if d.choice(True, False):
        options["weight"] = d.tensor((classes,), POSITIVE)
    if options["ignore_index"] < 0 and d.choice(False, True):
        return options, [d.tensor(shape), d.tensor(shape, POSITIVE / 3)]
    return options, [d.tensor(shape), _labels(d, lead, classes)]


def nll(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw what cross_entropy takes, with labels."""
    options, sides = _reduction(d)
    options["ignore_index"] = d.choice(-100, 0)
    classes, lead = d.integer(2, 4), d.shape(sides=sides)[:2]
    if d.choice(True, False):
        options["weight"] = d.tensor((classes,), POSITIVE)
    return options, [d.tensor((*lead[:1], classes, *lead[1:])), _labels(d, lead, classes)]


def focal(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw what nll_loss takes, and a power."""
    options, inputs = nll(d)
    return options | {"gamma": d.choice(2.0, 0.0, 0.5, 1.0)}, inputs


def linear_cross_entropy(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw inputs and a linear layer, and labels or none that count."""
    options, sides = _reduction(d)
    classes, size = d.integer(2, 3), d.integer(1, 2)
    lead = d.choice((2,), ()) if sides else d.choice((2,), (0,), ())
    options |= {"label_smoothing": d.choice(0.0, 0.1), "ignore_index": d.choice(None, 0)}
    if d.choice(False, True):
        options["linear_bias"] = d.tensor((classes,))
    return options, [d.tensor((*lead, size), GRID / 2), d.tensor((classes, size), GRID / 2), _labels(d, lead, classes)]


def bce_with_logits(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw logits, targets and factors of the losses and of their positive parts."""
    options, sides = _reduction(d)
    shape = d.shape(sides=sides)
    for word in ("weight", "pos_weight"):
        if d.choice(False, True):
            options[word] = d.tensor(d.choice(shape[-1:], shape), POSITIVE)
    return options, [d.tensor(shape), d.tensor(shape, np.array([0.0, 1.0, 0.25]))]


def sigmoid_focal(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw logits, targets, and both factors."""
    options, sides = _reduction(d)
    shape = d.shape(sides=sides)
    options |= {"alpha": d.choice(0.25, -1), "gamma": d.choice(2.0, 0.0, 1.0)}
    return options, [d.tensor(shape), d.tensor(shape, np.array([0.0, 1.0, 0.25]))]


def bce(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw probabilities but 0 and 1, where the target's gradient is infinite in PyTorch, and factors of the losses."""
    options, sides = _reduction(d)
    shape = d.shape(sides=sides)
    if d.choice(False, True):
        options["weight"] = d.tensor(d.choice(shape[-1:], shape), POSITIVE)
    targets = np.array([0.25, 0.75, 0.5, *([] if d.smooth else [0.0, 1.0])])
    return options, [d.tensor(shape, np.array([0.5, 0.25, 0.75, 0.125])), d.tensor(shape, targets)]


def kl_div(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw logarithms, and probabilities or their logarithms."""
    options = {"reduction": d.choice("mean", "sum", "none", "batchmean"), "log_target": d.choice(False, True)}
    shape = d.shape(sides=int(options["reduction"] in ("mean", "batchmean")))
    return options, [d.tensor(shape), d.tensor(shape, GRID if options["log_target"] else POSITIVE / 3)]


def ranking(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw two inputs, whose differences keep clear of the margin."""
    options, sides = _reduction(d)
    options["margin"] = d.choice(0.0, 1.0)
    shape = d.shape(sides=sides)
    pair = _pair(d, shape, options["margin"], -options["margin"])
    return options, [*pair, d.tensor(shape, d.choice(SIGNS, SIGNS.astype(float)))]


def hinge(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw distances clear of the margin."""
    options, sides = _reduction(d)
    margin = d.choice(1.0, 0.5)
    shape = d.shape(sides=sides)
    values = levels(away_from=(margin,)) if d.smooth else levels(at=(margin,))
    return options | {"margin": margin}, [d.tensor(shape, values), d.tensor(shape, SIGNS)]


def cosine(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw vectors that are not 0; those whose cosine is near the margin are alike."""
    options, sides = _reduction(d)
    options["margin"] = d.choice(0.0, 0.5)
    lead = d.choice((), (2,), *([] if sides else [(0,)]))
    x, y = (d.values((*lead, 2), POSITIVE * SIGNS[i]) for i in range(2))
    y = y * d.values((*lead, 2), SIGNS)
    labels = drawn(d.draw, lead, SIGNS)
    if d.smooth:
        cosines = (x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1))
        labels = np.where(abs(cosines - options["margin"]) < 0.05, 1, labels)
    return options, [as_tensor(x), as_tensor(y), as_tensor(labels)]


def soft_margin(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw scores and signs."""
    options, sides = _reduction(d)
    shape = d.shape(sides=sides)
    return options, [d.tensor(shape), d.tensor(shape, d.choice(SIGNS, SIGNS.astype(float)))]


def _lead(d: Any, sides: int) -> Any:
    return d.choice((2,), (), (1,), *([] if sides else [(0,)]))


def multi_margin(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw scores, multiples of 1/2, and a margin that is none unless ties are wanted."""
    options, sides = _reduction(d)
    options |= {"p": d.choice(1, 2), "margin": d.choice(1.25, 0.75) if d.smooth else d.choice(1.0, 0.5)}
    classes, lead = d.integer(1, 3), _lead(d, sides)
    if d.choice(False, True):
        options["weight"] = d.tensor((classes,), POSITIVE)
    return options, [d.tensor((*lead, classes), HALVES), _labels(d, lead, classes)]


def multilabel_margin(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw scores no two of which are 1 apart unless ties are wanted, and lists of classes that end by -1."""
    options, sides = _reduction(d)
    shape = (*_lead(d, sides), d.integer(1, 3))
    labels = drawn(d.draw, shape, np.arange(-1, shape[-1]))
    return options, [d.tensor(shape, HALVES * 1.5 if d.smooth else HALVES), as_tensor(labels)]


def multilabel_soft_margin(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw logits and targets."""
    options, sides = _reduction(d)
    shape = (*_lead(d, sides), d.integer(1, 3))
    if d.choice(False, True):
        options["weight"] = d.tensor(shape[-1:], POSITIVE)
    return options, [d.tensor(shape), d.tensor(shape, np.array([0.0, 1.0]))]


def _triplets(d: Any, options: dict[str, Any], sides: int, distance: Callable[..., Any]) -> list[Any]:
    """Draw triplets no two parts of which share a coordinate, and a margin that none of them meets exactly."""
    shape = (*_lead(d, sides), 2)
    anchor, step = d.values(shape), HALVES[HALVES != 0] if d.smooth else HALVES
    positive, negative = anchor + d.values(shape, step), anchor + d.values(shape, HALVES + 0.25 * d.smooth)
    far = np.array(distance(anchor, negative))
    if options["swap"]:
        other = distance(positive, negative)
        options["swap"] = not d.smooth or bool((abs(other - far) > 0.05).all())
        far = np.minimum(far, other) if options["swap"] else far
    near = distance(anchor, positive)
    margins = [m for m in (1.0, 0.5, 2.0, 1.75, 0.75, 0.25) if not d.smooth or (abs(m + near - far) > 0.05).all()]
    options["margin"] = d.choice(*margins)
    return [as_tensor(x) for x in (anchor, positive, negative)]


def triplet(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw triplets, and every option."""
    options, sides = _reduction(d)
    options |= {"p": d.choice(2.0, 1.0, 3.0, 1.5), "eps": d.choice(1e-6, 1e-3), "swap": d.choice(False, True)}
    return options, _triplets(
        d, options, sides, lambda a, b: np.linalg.norm(a - b + options["eps"], options["p"], axis=-1)
    )


def triplet_with_distance(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw triplets, a distance or none, and every option."""
    import nn

    options, sides = _reduction(d)
    options["swap"] = d.choice(False, True)
    if d.choice(False, True):
        return options | {"distance_function": nn.functional.mse_loss}, _triplets(
            d, options, 1, lambda a, b: np.square(a - b).mean()
        )
    return options, _triplets(d, options, sides, lambda a, b: np.linalg.norm(a - b + 1e-6, axis=-1))


def ctc(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw sequences of several lengths, or one, and targets that fit into them, padded or one after the other."""
    options, _ = _reduction(d)
    options |= {"zero_infinity": d.choice(False, True), "blank": d.choice(0, 2)}
    n = d.choice(2, 1)
    sizes = np.array([d.integer(0, 2) for _ in range(n)])
    lengths = np.array([d.integer(max(1, 2 * size), 4) for size in sizes])
    labels = drawn(d.draw, (n, 2), np.array([1, *({0, 2} - {options["blank"]})]))
    form = d.choice("padded", "flat", *(["one"] if n == 1 else []))
    if form == "one":
        inputs = [d.tensor((4, 3)), as_tensor(labels[0, : sizes[0]]), *(as_tensor(x[0]) for x in (lengths, sizes))]
        return options, inputs
    flat = labels[np.arange(2) < sizes[:, None]]
    return options, [
        d.tensor((4, n, 3)),
        *(as_tensor(x) for x in (labels if form == "padded" else flat, lengths, sizes)),
    ]


def dice(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw probabilities and masks of some images."""
    options, sides = _reduction(d)
    shape = (*_lead(d, 1), *(d.integer(1, 2) for _ in range(3)))[:4]
    shape = (0, *shape[1:]) if not sides and d.choice(False, True) else shape
    among = np.array([0.5, 0.0, 1.0, 0.25])
    return options | {"smooth": d.choice(1.0, 0.5)}, [d.tensor(shape, among), d.tensor(shape, among)]


BETAS = tuple({"beta": beta} for beta in (1.0, 0.5, 0.0))
DELTAS = tuple({"delta": delta} for delta in (1.0, 0.5))


def _bounds(delta: float = 1.0, beta: float = 1.0) -> tuple[float, ...]:
    return (-delta * beta, delta * beta)  # of the two a loss has one


LOSSES: dict[str, Loss] = {
    "BCELoss": bce,
    "BCEWithLogitsLoss": bce_with_logits,
    "CTCLoss": ctc,
    "CosineEmbeddingLoss": cosine,
    "CrossEntropyLoss": cross_entropy,
    "DiceLoss": dice,
    "FocalLoss": focal,
    "GaussianNLLLoss": gaussian,
    "HingeEmbeddingLoss": hinge,
    "HuberLoss": difference(_bounds, *DELTAS),
    "KLDivLoss": kl_div,
    "L1Loss": difference(lambda: (0.0,), {}),
    "MSELoss": difference(lambda: (), {}),
    "MarginRankingLoss": ranking,
    "MultiLabelMarginLoss": multilabel_margin,
    "MultiLabelSoftMarginLoss": multilabel_soft_margin,
    "MultiMarginLoss": multi_margin,
    "NLLLoss": nll,
    "PoissonNLLLoss": poisson,
    "SmoothL1Loss": difference(_bounds, *BETAS),
    "SoftMarginLoss": soft_margin,
    "TripletMarginLoss": triplet,
    "TripletMarginWithDistanceLoss": triplet_with_distance,
}
FUNCTIONS: dict[str, Loss] = {
    "binary_cross_entropy": bce,
    "binary_cross_entropy_with_logits": bce_with_logits,
    "cosine_embedding_loss": cosine,
    "cross_entropy": cross_entropy,
    "ctc_loss": ctc,
    "dice_loss": dice,
    "focal_loss": focal,
    "gaussian_nll_loss": gaussian,
    "hinge_embedding_loss": hinge,
    "huber_loss": difference(_bounds, *DELTAS, weight=True),
    "kl_div": kl_div,
    "l1_loss": difference(lambda: (0.0,), {}, weight=True),
    "linear_cross_entropy": linear_cross_entropy,
    "margin_ranking_loss": ranking,
    "mse_loss": difference(lambda: (), {}, weight=True),
    "multi_margin_loss": multi_margin,
    "multilabel_margin_loss": multilabel_margin,
    "multilabel_soft_margin_loss": multilabel_soft_margin,
    "nll_loss": nll,
    "poisson_nll_loss": poisson,
    "sigmoid_focal_loss": sigmoid_focal,
    "smooth_l1_loss": difference(_bounds, *BETAS),
    "soft_margin_loss": soft_margin,
    "triplet_margin_loss": triplet,
    "triplet_margin_with_distance_loss": triplet_with_distance,
}
