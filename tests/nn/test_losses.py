"""CrossEntropyLoss and MSELoss: closed forms, torch's options, stability, errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn


def test_uniform_logits_cost_the_logarithm_of_the_number_of_classes() -> None:
    assert nn.CrossEntropyLoss()(ad.zeros(4, 10), [0, 1, 2, 3]).item() == pytest.approx(np.log(10))


def test_the_gradient_is_softmax_minus_one_hot_over_n() -> None:
    array = np.random.default_rng(0).normal(size=(3, 4))
    logits = ad.tensor(array, requires_grad=True)
    nn.CrossEntropyLoss()(logits, [1, 0, 3]).backward()
    softmax = np.exp(array) / np.exp(array).sum(1, keepdims=True)
    np.testing.assert_allclose(logits.grad.numpy(), (softmax - np.eye(4)[[1, 0, 3]]) / 3, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"reduction": "sum"}])
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_huge_logits_give_finite_losses_and_gradients(options, scale) -> None:
    logits = ad.tensor([[scale, 0.0, -scale], [0.0, scale, scale]], requires_grad=True)
    loss = nn.CrossEntropyLoss(**options)(logits, [0, 0])
    loss.backward()
    assert np.isfinite(loss.item())
    assert np.isfinite(logits.grad.numpy()).all()


@settings(deadline=None)
@given(
    shape=st.sampled_from([(3,), (4, 3), (1, 3), (2, 3, 5), (2, 3, 2, 4)]),
    soft=st.booleans(),
    weighted=st.booleans(),
    ignored=st.booleans(),
    reduction=st.sampled_from(["mean", "sum", "none"]),
    label_smoothing=st.sampled_from([0.0, 0.2, 1.0]),
    seed=st.integers(0, 1000),
)
def test_cross_entropy_is_torchs_for_every_choice_of_options(
    torch, shape, soft, weighted, ignored, reduction, label_smoothing, seed
) -> None:
    rng = np.random.default_rng(seed)
    axis = min(1, len(shape) - 1)
    array = rng.normal(size=shape) * 3
    if soft:
        target = rng.dirichlet(np.ones(3), size=shape[:axis] + shape[axis + 1 :])
        target = np.moveaxis(target, -1, axis).copy()
    else:
        target = np.array(rng.integers(0, 3, size=shape[:axis] + shape[axis + 1 :]))
        if ignored:
            target[rng.random(target.shape) < 0.4] = -100
            assume((target != -100).any())
    weight = rng.uniform(0.5, 2, 3) if weighted else None
    options = {"reduction": reduction, "label_smoothing": label_smoothing}

    x, y = ad.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    ours = nn.CrossEntropyLoss(None if weight is None else ad.tensor(weight), **options)(x, target)
    theirs = torch.nn.CrossEntropyLoss(None if weight is None else torch.tensor(weight), **options)(
        y, torch.tensor(target)
    )
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-9, atol=1e-12)
    ours.sum().backward()
    theirs.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_probabilities_get_a_gradient_too() -> None:
    target = ad.tensor([[0.5, 0.5]], requires_grad=True)
    nn.CrossEntropyLoss()(ad.zeros(1, 2), target).backward()
    np.testing.assert_allclose(target.grad.numpy(), [[np.log(2), np.log(2)]], rtol=1e-6)


def test_an_ignored_index_may_be_a_class_and_counts_for_nothing() -> None:
    logits = ad.tensor(np.random.default_rng(0).normal(size=(3, 2)), requires_grad=True)
    kept = nn.CrossEntropyLoss()(logits[:1], [0])
    assert nn.CrossEntropyLoss(ignore_index=1)(logits, [0, 1, 1]).item() == pytest.approx(kept.item())


@pytest.mark.parametrize(
    ("logits", "target", "error", "message"),
    [
        ((2, 3), [0, 1, 1], ValueError, r"a target of class indices has shape \(2,\), got \(3,\)"),
        ((2, 3), [0.0, 1.0], ValueError, r"convert it with .astype\(int\)"),
        ((2, 3), [True, False], TypeError, "got bool"),
        ((), [0], ValueError, "got a scalar"),
    ],
)
def test_a_wrong_target_is_explained(logits, target, error, message) -> None:
    with pytest.raises(error, match=message):
        nn.CrossEntropyLoss()(ad.zeros(*logits), target)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}])
def test_the_mean_over_no_target_at_all_is_nan_as_in_torch(options) -> None:
    assert np.isnan(nn.CrossEntropyLoss(**options)(ad.zeros(2, 3), [-100, -100]).item())


@pytest.mark.parametrize("options", [{}, {"reduction": "sum"}])
@pytest.mark.parametrize("label", [-1, 3])
def test_no_label_outside_the_classes_passes(options, label) -> None:
    with pytest.raises(IndexError, match=f"target .*{label} is out of bounds for 3 classes"):
        nn.CrossEntropyLoss(**options)(ad.zeros(1, 3), [label])


def test_wrong_options_are_refused_when_the_loss_is_made() -> None:
    with pytest.raises(ValueError, match="'bad' is not a valid value for reduction"):
        nn.CrossEntropyLoss(reduction="bad")
    with pytest.raises(ValueError, match="label_smoothing has to be between 0 and 1"):
        nn.CrossEntropyLoss(label_smoothing=2)
    with pytest.raises(ValueError, match="'bad' is not a valid value for reduction"):
        nn.MSELoss(reduction="bad")
    with pytest.raises(ValueError, match="one value for each of 3 classes"):
        nn.CrossEntropyLoss(ad.ones(2))(ad.zeros(1, 3), [0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"reduction": "none"}])
def test_losses_keep_the_dtype_of_the_logits(dtype, options) -> None:
    loss = nn.CrossEntropyLoss(**options)(ad.zeros(2, 3, dtype=dtype), [0, 1])
    assert loss.dtype == dtype


def test_the_class_weights_move_with_the_model_and_are_saved() -> None:
    loss = nn.CrossEntropyLoss(ad.ones(3))
    assert list(loss.state_dict()) == ["weight"]
    assert loss.to(np.float64).weight.dtype == np.float64
    assert list(nn.CrossEntropyLoss().state_dict()) == []


# --- mean squared error --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reduction", "expected"), [("mean", 2.5), ("sum", 5.0), ("none", [1.0, 4.0])])
def test_mse_is_the_reduced_square(reduction, expected) -> None:
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    loss = nn.MSELoss(reduction=reduction)(x, ad.tensor([0.0, 4.0]))
    assert loss.tolist() == expected
    loss.sum().backward()
    assert x.grad.tolist() == ([1.0, -2.0] if reduction == "mean" else [2.0, -4.0])


def test_mse_warns_when_it_must_broadcast() -> None:
    with pytest.warns(UserWarning, match=r"target of shape \(2,\) with an input of shape \(2, 1\)"):
        nn.MSELoss()(ad.ones(2, 1), ad.ones(2))


def test_an_empty_batch_has_no_mean() -> None:
    logits = ad.ones(0, 3, requires_grad=True)
    loss = nn.CrossEntropyLoss()(logits, np.zeros(0, int))
    loss.backward()
    assert np.isnan(loss.item())
    assert logits.grad.shape == (0, 3)
    assert nn.CrossEntropyLoss(reduction="sum")(logits, np.zeros(0, int)).item() == 0
