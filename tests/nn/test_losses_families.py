"""Losses beyond what drawn options show: closed forms, torch at the edges, huge scores, nothing that counts, errors."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.testing import gradcheck
from tests.nn.parity import compare

F = nn.functional
RNG = np.random.default_rng(0)


def logs(*shape: int) -> Any:
    """Return logarithms of probabilities."""
    return np.log(RNG.dirichlet(np.ones(shape[-1]), shape[:-1]))


# --- torch's interface ---------------------------------------------------------------------------------------------

LOSSES = sorted(name for name in vars(nn) if name.endswith("Loss") and name not in ("MAELoss", "DiceLoss", "FocalLoss"))


@pytest.mark.parametrize("name", LOSSES)
def test_the_arguments_their_defaults_and_the_repr_are_torchs(torch: Any, name: str) -> None:
    ours, theirs = (inspect.signature(getattr(home, name)).parameters for home in (nn, torch.nn))
    words = [word for word in theirs if word not in ("size_average", "reduce")]
    assert [(word, p.default) for word, p in ours.items()] == [(word, theirs[word].default) for word in words]
    assert repr(getattr(nn, name)()) == repr(getattr(torch.nn, name)())


FUNCTIONS = sorted(
    name for name, f in vars(F).items() if getattr(f, "__module__", "").startswith("nn.functional.losses")
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_functions_take_torchs_arguments(torch: Any, name: str) -> None:
    if not hasattr(torch.nn.functional, name):
        pytest.skip("torch has none")
    ours, theirs = (inspect.signature(getattr(home, name)).parameters for home in (F, torch.nn.functional))
    words = [word for word in theirs if word not in ("size_average", "reduce", "options")]
    assert [(word, p.default) for word, p in ours.items()] == [(word, theirs[word].default) for word in words]


def test_every_loss_of_torch_is_here(torch: Any) -> None:
    left_out = {"AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss"}
    assert {name for name in dir(torch.nn) if name.endswith("Loss")} - left_out <= set(LOSSES)
    assert nn.MAELoss is nn.L1Loss


# --- extremes ------------------------------------------------------------------------------------------------------

HUGE = np.array([[1e4, 0.0, -1e4], [-1e4, 1e4, 1e4]])
ONES = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("BCEWithLogitsLoss", ONES),
        ("MultiLabelSoftMarginLoss", ONES),
        ("SoftMarginLoss", 2 * ONES - 1),
        ("CrossEntropyLoss", np.array([2, 0])),
        ("CrossEntropyLoss", ONES / 2),
        ("FocalLoss", np.array([2, 0])),
        ("HuberLoss", ONES),
        ("MultiMarginLoss", np.array([2, 0])),
        ("MultiLabelMarginLoss", np.array([[2, 0, -1], [0, -1, -1]])),
    ],
)
def test_huge_scores_give_finite_losses_and_gradients(name: str, target: Any, dtype: Any) -> None:
    x = ad.tensor(HUGE, dtype=dtype, requires_grad=True)
    loss = getattr(nn, name)(reduction="none")(x, target.astype(dtype) if target.dtype.kind == "f" else target)
    loss.sum().backward()
    assert loss.dtype == x.grad.dtype == dtype
    assert np.isfinite(loss.numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()
    assert loss.numpy().max() > 1e3


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_loss_of_what_is_surely_right_is_flat(gamma: float) -> None:
    x = ad.tensor([[1e4, -1e4]], dtype=float, requires_grad=True)
    loss = nn.FocalLoss(gamma=gamma)(x, [0])
    loss.backward()
    assert loss.item() == 0
    assert x.grad.tolist() == [[0.0, 0.0]]


def test_what_has_no_probability_counts_0_in_a_divergence() -> None:
    x = ad.tensor([[0.0, -np.inf], [np.log(0.5), np.log(0.5)]], dtype=float, requires_grad=True)
    p = ad.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=float)
    for target, log_target in ((p, False), (ad.tensor([[0.0, -np.inf], [0.0, -np.inf]], dtype=float), True)):
        x.grad = None
        loss = F.kl_div(x, target, reduction="batchmean", log_target=log_target)
        loss.backward()
        assert loss.item() == pytest.approx(np.log(2) / 2)
        assert x.grad.tolist() == [[-0.5, 0.0], [-0.5, 0.0]]


def test_saturated_probabilities_cost_100_and_have_torchs_gradient(torch: Any) -> None:
    p, t = ad.tensor([0.0, 0.0, 1.0, 1.0], dtype=float), np.array([0.0, 1.0, 0.0, 1.0])
    theirs = torch.tensor(p.numpy(), requires_grad=True)
    expected = torch.nn.functional.binary_cross_entropy(theirs, torch.tensor(t), reduction="none")
    expected.sum().backward()
    p.requires_grad_()
    losses = nn.BCELoss(reduction="none")(p, t)
    losses.sum().backward()
    assert losses.tolist() == expected.tolist() == [0.0, 100.0, 100.0, 0.0]
    np.testing.assert_allclose(p.grad.numpy(), theirs.grad.numpy())


def test_equal_points_have_a_gradient_of_0() -> None:
    x = ad.ones(2, 3, requires_grad=True)
    for loss in (
        F.triplet_margin_loss(x, x, x, eps=0.0),
        F.cosine_embedding_loss(0 * x, 0 * x, [1, -1]),
        F.l1_loss(x, np.ones((2, 3))),
    ):
        x.grad = None
        loss.backward()
        assert not x.grad.numpy().any()


def test_the_second_derivative_of_huber_is_that_of_the_square_near_0() -> None:
    x = ad.tensor([0.0, 0.5, 3.0], dtype=float)
    hessian = ad.functional.hessian(lambda x: F.huber_loss(x, np.zeros(3), "sum"))(x)
    np.testing.assert_allclose(hessian.numpy(), np.diag([1.0, 1.0, 0.0]))


@pytest.mark.parametrize("name", ["NLLLoss", "FocalLoss", "CrossEntropyLoss"])
def test_where_all_is_ignored_the_mean_is_nan_and_the_sum_0(name: str) -> None:
    x = ad.tensor(logs(2, 3), requires_grad=True)
    assert np.isnan(getattr(nn, name)()(x, [-100, -100]).item())
    loss = getattr(nn, name)(reduction="sum")(x, [-100, -100])
    loss.backward()
    assert loss.item() == 0
    assert not x.grad.numpy().any()


@pytest.mark.parametrize("name", ["NLLLoss", "FocalLoss", "CrossEntropyLoss"])
@pytest.mark.parametrize("weight", [None, ad.ones(2, dtype=np.float16)])
def test_the_mean_of_more_losses_than_half_precision_counts(name: str, weight: Any) -> None:
    x = ad.full((70_000, 2), np.log(0.5), dtype=np.float16)
    loss = getattr(nn, name)(weight)(x, np.arange(70_000) % 2)
    assert loss.dtype == np.float16
    assert loss.item() == pytest.approx(np.log(2) / (4 if name == "FocalLoss" else 1), rel=2e-3)


def test_an_ignored_place_may_hold_anything() -> None:
    x = ad.tensor([[-1.0, -2.0], [-np.inf, np.nan]], requires_grad=True)
    for weight in (None, ad.tensor([1.0, 2.0])):
        x.grad = None
        loss = F.nll_loss(x, [0, -100], weight)
        loss.backward()
        assert loss.item() == 1
        assert x.grad.tolist() == [[-1.0, 0.0], [0.0, 0.0]]


def test_a_small_variance_counts_as_eps_but_passes_its_gradient(torch: Any) -> None:
    x, v = np.array([1.0, 2.0]), np.array([0.0, 1e-9])
    compare(
        torch,
        lambda x, v: F.gaussian_nll_loss(x, ad.zeros(2, dtype=float), v, True, 1e-3),
        lambda x, v: torch.nn.functional.gaussian_nll_loss(x, torch.zeros(2, dtype=float), v, True, 1e-3),
        (ad.tensor(x), ad.tensor(v)),
    )
    assert F.gaussian_nll_loss(ad.tensor(x), x, 1.0).item() == 0


# --- bad input -----------------------------------------------------------------------------------------------------

two, three, square = ad.ones(2), ad.ones(3), ad.ones(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.binary_cross_entropy(1.5 * two, two), RuntimeError, "all elements of input .* 1.5; for logits call"),
        (lambda: F.binary_cross_entropy(two, -two), RuntimeError, "all elements of target should be between 0 and 1"),
        (lambda: F.binary_cross_entropy(two, three), ValueError, r"target \(3,\) and input \(2,\) need one shape"),
        (lambda: F.huber_loss(two, two, delta=0.0), RuntimeError, "non-positive values for delta, got 0.0"),
        (lambda: F.smooth_l1_loss(two, two, beta=-1.0), RuntimeError, "negative values for beta, got -1.0"),
        (lambda: F.l1_loss(two, two, weight=three), ValueError, r"must have the same size; got \(3,\) and \(2,\)"),
        (lambda: F.gaussian_nll_loss(square, square, -square), ValueError, "var has negative"),
        (lambda: F.gaussian_nll_loss(square, square, three), ValueError, r"incorrect size: \(3,\) for .* \(2, 3\)"),
        (lambda: F.nll_loss(square, [0, 3]), IndexError, "target 3 is out of bounds for 3 classes"),
        (
            lambda: F.nll_loss(square, [0.0, 1.0]),
            TypeError,
            r"nll_loss: .* got float32; convert it with",
        ),
        (lambda: F.nll_loss(square, [0]), ValueError, r"class indices has shape \(2,\), got \(1,\)"),
        (lambda: F.cross_entropy(square, square, ignore_index=0), RuntimeError, "ignore_index is for class indices"),
        (lambda: F.kl_div(two, two, reduction="bad"), ValueError, "'bad' is not a valid value for reduction"),
        *[
            (lambda f=f: f(two, three), RuntimeError, rf"{f.__name__}: shapes \(2,\) and \(3,\) do not broadcast")
            for f in (F.l1_loss, F.mse_loss, F.huber_loss, F.smooth_l1_loss, F.kl_div, F.poisson_nll_loss)
        ],
        *[
            (lambda f=f: f(two, three), RuntimeError, rf"{f.__name__}: shapes \(2,\) and \(3,\) do not broadcast")
            for f in (F.hinge_embedding_loss, F.soft_margin_loss, F.multilabel_soft_margin_loss)
        ],
        (
            lambda: F.margin_ranking_loss(two, three, two),
            RuntimeError,
            r"\(2,\) and \(3,\) and \(2,\) do not broadcast",
        ),
        (lambda: F.margin_ranking_loss(two, two, ad.tensor(1.0)), RuntimeError, r"target \(\)"),
        (lambda: F.cosine_embedding_loss(square, square, square), RuntimeError, r"target \(N\) with inputs \(N, D\)"),
        (lambda: F.multi_margin_loss(square, [0, 3]), RuntimeError, "target out of range; use 0 to 2"),
        (lambda: F.multi_margin_loss(square, [0]), RuntimeError, r"got shapes \(2, 3\) and \(1,\)"),
        (lambda: F.multi_margin_loss(square, two), RuntimeError, "must hold classes .integers., got float32"),
        (lambda: F.multi_margin_loss(square, [0, 1], weight=two), RuntimeError, "inconsistent weight size"),
        (lambda: nn.MultiMarginLoss(p=3), ValueError, "only p == 1 and p == 2 supported, got 3"),
        (lambda: nn.MultiMarginLoss(weight=square), ValueError, "weight must be one-dimensional"),
        (lambda: F.multilabel_margin_loss(square, [[0, 3, -1]] * 2), RuntimeError, "out of range; use 0 to 2, then -1"),
        (lambda: F.multilabel_margin_loss(square, [0, -1, -1]), RuntimeError, r"got shapes \(2, 3\) and \(3,\)"),
        (lambda: nn.TripletMarginLoss(margin=-1.0), ValueError, "margin to be greater than 0, got -1.0"),
        (lambda: F.triplet_margin_loss(square, three, square), RuntimeError, r"as many axes; got shapes .* \(3,\)"),
        (lambda: F.dice_loss(square, square), ValueError, r"need one shape \(N, C, d1, …\)"),
        (lambda: nn.FocalLoss(gamma=-1.0), ValueError, "gamma has to be at least 0"),
        (lambda: F.focal_loss(square, square), RuntimeError, "focal_loss: target must hold classes"),
    ],
)
def test_bad_input_is_explained(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", LOSSES)
def test_an_unknown_reduction_is_refused_when_a_loss_is_made(name: str) -> None:
    with pytest.raises(ValueError, match="'bad' is not a valid value for reduction"):
        getattr(nn, name)(reduction="bad")


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss", "huber_loss", "smooth_l1_loss"])
def test_a_target_that_is_broadcast_is_warned_of(name: str) -> None:
    with pytest.warns(UserWarning, match=r"target of shape \(2,\) with an input of shape \(2, 1\)"):
        getattr(F, name)(ad.ones(2, 1), two)


# --- connectionist temporal classification -------------------------------------------------------------------------


def readings(p: Any, target: list[int], blank: int) -> float:
    """Return the probability of a target, summed over all paths."""
    total = 0.0
    for path in np.ndindex(*[p.shape[1]] * p.shape[0]):
        spelled = [c for i, c in enumerate(path) if c != blank and (i == 0 or path[i - 1] != c)]
        if spelled == target:
            total += np.prod([p[t, c] for t, c in enumerate(path)])
    return total


@pytest.mark.parametrize("target", [[], [1], [1, 1], [1, 0], [0, 1, 0], [1, 1, 1]])
def test_ctc_sums_over_all_paths(target: list[int]) -> None:
    log_p = logs(4, 3)
    ours = F.ctc_loss(ad.tensor(log_p), np.array(target, int), 4, len(target), blank=2, reduction="none")
    with np.errstate(divide="ignore"):
        assert ours.item() == pytest.approx(-np.log(readings(np.exp(log_p), target, 2)))


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"reduction": "sum"}, {"reduction": "none"}, {"blank": 3, "zero_infinity": True}]
)
def test_ctc_of_logits_is_torchs(torch: Any, options: dict[str, Any], flat: bool) -> None:
    lengths, sizes = np.array([6, 4, 5, 3, 2]), np.array([3, 2, 0, 1, 2])
    targets = np.array([[1, 2, 2], [2, 1, 0], [0, 0, 0], [1, 0, 0], [2, 2, 0]])  # the last does not fit
    rows = slice(None) if "zero_infinity" in options else slice(-1)
    lengths, sizes, targets = lengths[rows], sizes[rows], targets[rows]
    targets = targets[np.arange(3) < sizes[:, None]] if flat else targets
    given = targets, lengths, sizes
    compare(
        torch,
        lambda x: nn.CTCLoss(**options)(ad.log_softmax(x, 2), *given),
        lambda x: torch.nn.CTCLoss(**options)(torch.log_softmax(x, 2), *map(torch.tensor, given)),
        (ad.tensor(RNG.normal(size=(6, len(sizes), 4))),),
    )


def test_ctc_has_derivatives_of_second_order_and_ignores_what_lies_behind() -> None:
    x = ad.tensor(logs(2, 1, 2), requires_grad=True)
    assert gradcheck(lambda x: F.ctc_loss(x, [[1]], [2], [1]), x, order=2)
    x = ad.tensor(logs(3, 2, 3))
    hidden = ad.tensor(np.where(np.arange(3)[:, None, None] < [[3], [2]], x.numpy(), np.nan), requires_grad=True)
    F.ctc_loss(hidden, [[1, 2], [1, 0]], [3, 2], [2, 1]).backward()
    assert np.isfinite(hidden.grad.numpy()).all()


def test_ctc_of_an_impossible_target_is_inf_or_0_without_a_gradient() -> None:
    x = ad.tensor(logs(2, 1, 3), requires_grad=True)
    assert F.ctc_loss(x, [[1, 1]], [2], [2]).item() == np.inf
    loss = F.ctc_loss(x, [[1, 1]], [2], [2], zero_infinity=True)
    loss.backward()
    assert loss.item() == 0
    assert x.grad.numpy().tolist() == np.zeros((2, 1, 3)).tolist()


def test_ctc_of_no_sequence_and_in_half_precision() -> None:
    none = np.zeros(0, int)
    assert F.ctc_loss(ad.zeros(4, 0, 3), np.zeros((0, 2), int), none, none, reduction="none").shape == (0,)
    log_p = logs(50, 2, 4)
    half = F.ctc_loss(ad.tensor(log_p, dtype=np.float16), [[1, 2], [3, 3]], [50, 50], [2, 2], reduction="none")
    assert half.dtype == np.float16
    whole = F.ctc_loss(ad.tensor(log_p), [[1, 2], [3, 3]], [50, 50], [2, 2], reduction="none")
    np.testing.assert_allclose(half.numpy(), whole.numpy(), rtol=2e-3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"log_probs": ad.zeros(4)}, r"expected \(T, N, C\)"),
        ({"blank": 3}, "blank must be in label range, 0 to 2, got 3"),
        ({"input_lengths": [4]}, r"input_lengths must be of size batch_size \(2\), got shape \(1,\)"),
        ({"input_lengths": [4, 5]}, "input_lengths must be from 0 to 4, got 4 to 5"),
        ({"target_lengths": [1.0, 2.0]}, r"target_lengths must be integral, got float32; convert with .astype\(int\)"),
        ({"target_lengths": [1, 3]}, r"targets has shape \(2, 2\); expected \(2, 3 or more\), padded, or \(4,\)"),
        ({"targets": [[1, 2], [1, 3]]}, "targets must be from 0 to 2, got 1 to 3"),
        ({"targets": [[1, 2], [0, 1]]}, "targets must not hold the blank, 0"),
        ({"targets": [1, 2, 1]}, r"targets has shape \(3,\); expected"),
    ],
)
def test_ctc_explains_bad_input(changed: dict[str, Any], message: str) -> None:
    call = {
        "log_probs": ad.zeros(4, 2, 3),
        "targets": [[1, 2], [2, 1]],
        "input_lengths": [4, 4],
        "target_lengths": [2, 2],
    }
    with pytest.raises(RuntimeError, match=message):
        F.ctc_loss(**call | changed)


# --- Dice and focal ------------------------------------------------------------------------------------------------


def test_dice_counts_each_image_and_class() -> None:
    mask = np.zeros((1, 3, 2, 2))
    mask[0, 0], mask[0, 1, 0] = 1, 1
    found = np.zeros((1, 3, 2, 2))
    found[0, 0, 0], found[0, 1, 0] = 1, 1
    losses = nn.DiceLoss(reduction="none")(ad.tensor(found), ad.tensor(mask))
    np.testing.assert_allclose(losses.numpy(), [[1 - 5 / 7, 0, 0]])  # half found, all found, nothing of nothing


def test_focal_loss_without_focus_is_cross_entropy() -> None:
    x, weight = ad.tensor(RNG.normal(size=(4, 3, 2))), ad.tensor([1.0, 2.0, 0.5], dtype=float)
    target = np.array([[0, 1], [2, -100], [1, 1], [0, 2]])
    for reduction in ("mean", "sum", "none"):
        ours = nn.FocalLoss(weight, 0.0, reduction=reduction)(x, target)
        np.testing.assert_allclose(ours.numpy(), F.cross_entropy(x, target, weight, reduction=reduction).numpy())


def test_focal_loss_of_two_classes_is_the_sigmoids() -> None:
    x, t = RNG.normal(size=5), np.array([0, 1, 1, 0, 1])
    pairs = np.stack([np.zeros(5), x], 1)
    ours = F.sigmoid_focal_loss(ad.tensor(x), t.astype(float), alpha=-1, gamma=1.5)
    np.testing.assert_allclose(ours.numpy(), F.focal_loss(ad.tensor(pairs), t, gamma=1.5, reduction="none").numpy())
