"""Distributions are torch's: densities, moments, entropies and divergences with their gradients; draws have the law."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import autodiff as ad
from nn import distributions
from nn.distributions.quantiles import beta_slopes, gamma_slope

RNG = np.random.default_rng(0)
A, B = RNG.uniform(0.3, 4, (2, 3)), RNG.uniform(0.3, 4, 3)
LOC = RNG.normal(size=(2, 1))
P = RNG.dirichlet(np.ones(4), 3)
FACTOR = np.tril(RNG.normal(size=(2, 3, 3)), -1) + np.eye(3) * RNG.uniform(0.5, 2, 3)
SPREAD = FACTOR @ FACTOR.mT
UNIT = np.array([[0.1, 0.5, 0.9]])
CASES: list[tuple[str, dict[str, Any], Any]] = [
    ("Normal", {"loc": LOC, "scale": B}, A),
    ("Laplace", {"loc": LOC, "scale": B}, A),
    ("Uniform", {"low": LOC, "high": LOC + 1 + A}, LOC + 0.5),
    ("Exponential", {"rate": A}, B),
    ("Gamma", {"concentration": A, "rate": B}, A + 0.1),
    ("Beta", {"concentration1": A, "concentration0": B}, UNIT),
    ("Beta", {"concentration1": np.array([[0.5], [2.0]]), "concentration0": np.array([[0.5], [1.0]])}, UNIT),
    ("StudentT", {"df": A + np.array([0.0, 1.0, 2.5]), "loc": LOC, "scale": B}, A),
    ("Bernoulli", {"probs": P}, P > 0.3),
    ("Bernoulli", {"logits": LOC}, np.array([[0.0], [1.0]])),
    ("Binomial", {"total_count": np.array(5.0), "probs": P}, np.array([0.0, 2.0, 5.0, 3.0])),
    ("Binomial", {"total_count": np.array(3.0), "logits": LOC}, np.array([[1.0], [3.0]])),
    ("Categorical", {"probs": P * 2}, np.array([0, 3, 1])),
    ("Categorical", {"logits": LOC * np.ones(3)}, np.array([2, 0])),
    ("MultivariateNormal", {"loc": LOC * np.ones(3), "scale_tril": FACTOR}, A),
    ("MultivariateNormal", {"loc": B, "covariance_matrix": SPREAD}, A),
    ("MultivariateNormal", {"loc": B, "precision_matrix": SPREAD}, A),
]
FACTS = ("mean", "mode", "variance", "stddev", "entropy", "perplexity", "log_prob", "cdf", "icdf", "enumerate_support")


def both(torch: Any, name: str, params: dict[str, Any]) -> tuple[Any, Any, list[Any], list[Any]]:
    """Return the distribution here and there, and the parameters of both."""
    ours = {k: ad.tensor(v, requires_grad=True) for k, v in params.items()}
    theirs = {k: torch.tensor(v, requires_grad=True) for k, v in params.items()}
    pair = getattr(distributions, name)(**ours), getattr(torch.distributions, name)(**theirs)
    return *pair, list(ours.values()), list(theirs.values())


def same(torch: Any, y: Any, z: Any, ps: list[Any], qs: list[Any]) -> None:
    """Demand the same values, and the same gradients of the parameters where there are any."""
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-12)
    if not z.requires_grad or not np.isfinite(z.detach().numpy()).all():
        return
    weights = np.cos(np.arange(z.numel()) + 1.0).reshape(z.shape)
    used = ad.grad(y, ps, ad.tensor(weights), allow_unused=True)
    for g, h in zip(used, torch.autograd.grad(z, qs, torch.tensor(weights), allow_unused=True), strict=True):
        np.testing.assert_allclose(0 if g is None else g.numpy(), 0 if h is None else h.numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize(("name", "params", "value"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_distribution_is_torchs(torch: Any, name: str, params: Any, value: Any, fact: str) -> None:
    p, q, ps, qs = both(torch, name, params)
    assert (p.batch_shape, p.event_shape) == (tuple(q.batch_shape), tuple(q.event_shape))
    given = {"log_prob": value, "cdf": value, "icdf": UNIT[:, :1]}.get(fact)
    as_theirs = (
        None if given is None else torch.tensor(np.asarray(given, np.float64 if name != "Categorical" else None))
    )
    try:
        z = getattr(q, fact)
        z = z if not callable(z) else z() if given is None else z(as_theirs)
    except NotImplementedError:
        kind = TypeError if (name, fact) == ("Beta", "cdf") else NotImplementedError  # by parameters it has no gradient
        with pytest.raises(kind, match=f"{name} has no|betainc: .* a gradient"):
            getattr(p, fact)(*[] if given is None else [given])
        return
    if fact == "cdf" and name == "Gamma":
        ps, qs = ps[1:], qs[1:]
        p = distributions.Gamma(ad.tensor(params["concentration"]), *ps)
        q = torch.distributions.Gamma(torch.tensor(params["concentration"]), *qs)
        z = q.cdf(as_theirs)
    y = getattr(p, fact)
    y = y if not callable(y) else y() if given is None else y(given)
    same(torch, y, z, ps, qs)


def test_logistic_has_its_closed_forms() -> None:
    p, x = distributions.Logistic(ad.tensor(LOC), ad.tensor(B)), A
    law = stats.logistic(LOC, B)
    np.testing.assert_allclose(p.log_prob(x).numpy(), law.logpdf(x), rtol=1e-9)
    np.testing.assert_allclose(p.cdf(x).numpy(), law.cdf(x), rtol=1e-9)
    np.testing.assert_allclose(p.icdf(ad.tensor(UNIT)).numpy(), law.ppf(UNIT), rtol=1e-9)
    np.testing.assert_allclose(np.broadcast_to(p.entropy().numpy(), (2, 3)), law.entropy(), rtol=1e-9)
    np.testing.assert_allclose(np.broadcast_to(p.variance.numpy(), (2, 3)), law.var(), rtol=1e-9)
    far = distributions.Logistic(ad.tensor(0.0), ad.tensor(1.0)).log_prob(ad.tensor([1e4, -1e4]))
    np.testing.assert_allclose(far.numpy(), [-1e4, -1e4])


PAIRS = {name: (name, params) for name, params, _ in CASES[::-1]}  # the first of each


@pytest.mark.parametrize("second", PAIRS)
@pytest.mark.parametrize("first", PAIRS)
def test_divergences_are_torchs(torch: Any, first: str, second: str) -> None:
    (a, given), (b, other) = PAIRS[first], PAIRS[second]
    p, u, ps, us = both(torch, a, given)
    q, v, qs, vs = both(torch, b, other)
    try:
        z = torch.distributions.kl_divergence(u, v)
    except NotImplementedError:
        if first == "StudentT" and second in ("Beta", "Gamma", "Exponential", "Uniform"):  # of values beyond the other
            assert np.isposinf(distributions.kl_divergence(p, q).numpy()).all()
        elif (first, second) == ("StudentT", "Normal"):
            (df, loc, scale), (mean, std) = (np.broadcast_arrays(*x.values()) for x in (given, other))
            law, wide = stats.t(df.flat[0], loc.flat[0], scale.flat[0]), stats.norm(mean.flat[0], std.flat[0])
            expected = law.expect(lambda x: law.logpdf(x) - wide.logpdf(x))
            np.testing.assert_allclose(distributions.kl_divergence(p, q).detach().numpy().flat[0], expected, rtol=1e-6)
        else:
            with pytest.raises(NotImplementedError, match="has no closed form here"):
                distributions.kl_divergence(p, q)
        return
    same(torch, distributions.kl_divergence(p, q), z, ps + qs, us + vs)


def test_a_divergence_that_is_unknown_says_what_to_do() -> None:
    t, normal = distributions.StudentT(3.0), distributions.Normal(0.0, 1.0)
    with pytest.raises(NotImplementedError, match=r"KL\(Normal \|\| StudentT\) .* register_kl"):
        distributions.kl_divergence(normal, t)
    with pytest.raises(NotImplementedError, match="Binomial .* Normal"):
        distributions.kl_divergence(distributions.Binomial(2, 0.5), normal)


# --- draws ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params", "value"), [c for c in CASES if c[0] != "Categorical"], ids=lambda v: str(v)[:20]
)
def test_draws_have_the_mean_and_the_variance(name: str, params: Any, value: Any) -> None:
    p = getattr(distributions, name)(**{k: ad.tensor(v) for k, v in params.items()})
    x = p.sample((20000,), generator=ad.random.Generator(1)).numpy()
    assert x.shape == (20000, *p.batch_shape, *p.event_shape)
    assert x.dtype == np.float64
    mean, variance = (np.broadcast_to(t.numpy(), x.shape[1:]) for t in (p.mean, p.variance))
    known = np.isfinite(mean) & np.isfinite(variance) & (name != "StudentT" or p.df.numpy() > 4.5)
    error = np.abs(x.mean(0) - mean) / np.sqrt(variance / 20000 + 1e-300)
    assert (error[known] < 5).all()
    assert np.allclose(x.var(0)[known], variance[known], rtol=0.25)


def test_a_category_is_drawn_as_often_as_it_is_probable() -> None:
    x = distributions.Categorical(ad.tensor(P)).sample((20000,), generator=ad.random.Generator(1)).numpy()
    assert x.shape == (20000, 3)
    assert x.dtype.kind == "i"
    share = (x[..., None] == np.arange(4)).mean(0)
    np.testing.assert_allclose(share, P, atol=0.02)


@pytest.mark.parametrize("name", ["Gamma", "Beta", "StudentT"])
def test_draws_follow_the_cdf(name: str) -> None:
    laws = {"Gamma": stats.gamma(0.7, scale=0.5), "Beta": stats.beta(0.7, 2.0), "StudentT": stats.t(2.5)}
    params = {"Gamma": (0.7, 2.0), "Beta": (0.7, 2.0), "StudentT": (2.5,)}[name]
    x = getattr(distributions, name)(*params).sample((5000,), generator=ad.random.Generator(2)).numpy()
    assert stats.kstest(x, laws[name].cdf).pvalue > 1e-3


LEVELS = np.array([1e-6, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-6])


@pytest.mark.parametrize("a", [0.01, 0.3, 1.0, 2.5, 30.0, 3000.0, 1e5])
def test_a_gamma_quantile_moves_with_its_shape(a: float) -> None:
    u = LEVELS if a > 0.1 else LEVELS[3:]  # below, quantiles underflow
    h = 1e-5 * a
    x, up, down = (special.gammaincinv(s, u) for s in (a, a + h, a - h))
    np.testing.assert_allclose(gamma_slope(a, x), (up - down) / (2 * h), rtol=2e-6)


def test_a_gamma_slope_is_torchs(torch: Any) -> None:
    a, x = A, np.abs(RNG.normal(size=A.shape)) + 0.1
    theirs = torch._standard_gamma_grad(torch.tensor(a), torch.tensor(x)).numpy()
    np.testing.assert_allclose(gamma_slope(a, x), theirs, rtol=5e-3)


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.5), (1.0, 1.0), (2.5, 0.7), (30.0, 4.0), (0.5, 300.0), (2000.0, 3000.0)])
def test_a_beta_quantile_moves_with_its_parameters(a: float, b: float) -> None:
    u = LEVELS[2:5] if min(a, b) < 1 else LEVELS[1:6]
    x, by_a, by_b = special.betaincinv(a, b, u), 1e-5 * a, 1e-5 * b
    numeric = (
        (special.betaincinv(a + by_a, b, u) - special.betaincinv(a - by_a, b, u)) / (2 * by_a),
        (special.betaincinv(a, b + by_b, u) - special.betaincinv(a, b - by_b, u)) / (2 * by_b),
    )
    for found, wanted in zip(beta_slopes(a, b, x), numeric, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-12)


def test_a_reparameterized_draw_moves_with_every_parameter() -> None:
    """Central differences of the draw itself, whose uniform numbers stay the same."""
    for name, params, _ in CASES:
        if not getattr(distributions, name).has_rsample:
            continue
        leaves = {k: ad.tensor(v, requires_grad=True) for k, v in params.items()}

        def draw(given: dict[str, Any], kind: str = name) -> Any:
            made = getattr(distributions, kind)(**given, validate_args=False)
            return made.rsample((4,), generator=ad.random.Generator(5))

        y = draw(leaves)
        weights = np.cos(np.arange(y.size) + 1.0).reshape(y.shape)
        found = ad.grad(y, list(leaves.values()), ad.tensor(weights))
        for (key, leaf), g in zip(leaves.items(), found, strict=True):
            step = RNG.normal(size=leaf.shape) * 1e-6
            if key in {"covariance_matrix", "precision_matrix"}:
                step = step + step.mT
            elif key == "scale_tril":
                step = np.tril(step)
            moved = [(draw({**params, key: params[key] + s * step}).numpy() * weights).sum() for s in (1, -1)]
            rounding = 1e-14 * np.abs(y.detach().numpy()).sum()
            slope = (g.numpy() * step).sum() * 2
            assert slope == pytest.approx(moved[0] - moved[1], rel=1e-4, abs=1e-10 + rounding), (name, key)


def test_draws_replay_from_a_seed_and_sample_has_no_history() -> None:
    p = distributions.Gamma(ad.tensor(2.0, requires_grad=True), 1.0)
    first, second = (p.rsample((3,), generator=ad.random.Generator(3)) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert first.requires_grad
    assert not p.sample((3,)).requires_grad
    assert p.sample().shape == ()
    assert distributions.Normal(np.float32(0), np.float32(1)).sample((2,)).dtype == np.float32
    with pytest.raises(NotImplementedError, match="differentiated once"):
        ad.grad(first.sum(), list(p._params.values())[:1], create_graph=True)


def test_expanding_repeats_the_parameters() -> None:
    for name, params, value in CASES:
        p = getattr(distributions, name)(**{k: ad.tensor(v) for k, v in params.items()})
        q = p.expand((5, *p.batch_shape))
        assert (q.batch_shape, q.event_shape) == ((5, *p.batch_shape), p.event_shape)
        density = q.log_prob(value).numpy()
        np.testing.assert_allclose(density, np.broadcast_to(p.log_prob(value).numpy(), density.shape), rtol=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: distributions.Normal(0.0, -1.0), "parameter scale of shape .* must be positive; got -1"),
        (lambda: distributions.Normal(math.nan, 1.0), "parameter loc .* must be real"),
        (lambda: distributions.Normal(np.zeros(2), np.ones(3)), "do not broadcast: loc .2,., scale .3,."),
        (lambda: distributions.Uniform(1.0, 1.0), "low >= high"),
        (lambda: distributions.Bernoulli(), "either probs or logits"),
        (lambda: distributions.Bernoulli(0.5, 0.5), "not both"),
        (lambda: distributions.Bernoulli(1.5), "must be in .0, 1."),
        (lambda: distributions.Bernoulli(0.5).log_prob(0.5), "the value .* must be 0 or 1"),
        (lambda: distributions.Categorical(np.array([1.0, -1.0])), "must not be negative"),
        (lambda: distributions.Categorical(1.0), "axis of classes"),
        (lambda: distributions.Categorical(np.ones(3)).log_prob(3), "a whole number from 0 to 2"),
        (lambda: distributions.Exponential(1.0).log_prob(-1.0), "the value .* must be non-negative"),
        (lambda: distributions.MultivariateNormal(np.zeros(2)), "exactly one of"),
        (lambda: distributions.MultivariateNormal(np.zeros(2), -np.eye(2)), "positive definite"),
        (lambda: distributions.MultivariateNormal(np.zeros(2), np.eye(3)), "needs shape"),
    ],
)
def test_what_is_wrong_is_said(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
