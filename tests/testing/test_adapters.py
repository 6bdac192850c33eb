"""Functions of NumPy, PyTorch and JAX under the checks: right ones pass, wrong ones fail, nothing is left changed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from autodiff.testing.adapters import from_jax, from_numpy, from_torch
from autodiff.testing.checks.gradcheck import gradcheck, gradgradcheck, hessian_symmetry, jvpcheck
from autodiff.testing.report import Verdict

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])
W = np.array([[1.0, 0.2], [-0.5, 0.4], [0.3, -1.1]])


def passes(report):
    return report.verdict is Verdict.PASS or pytest.fail(str(report))


def fails(report):
    return report.verdict is Verdict.FAIL or pytest.fail(str(report))


# --- NumPy ---------------------------------------------------------------------------------------------------------


def product(a, b):
    return a @ b


def test_numpy_rule_of_two_arguments():
    passes(gradcheck(from_numpy(product, vjp=lambda g, a, b: (g @ b.T, a.T @ g)), X, W))
    report = gradcheck(from_numpy(product, vjp=lambda g, a, b: (g @ b.T, 1.01 * a.T @ g)), X, W)
    fails(report)
    assert report.worst.input == "b"
    assert report.function == "product"
    assert report.worst.analytic == pytest.approx(1.01 * report.worst.numeric)


def test_numpy_gradient_of_one_number():
    def energy(x, k):
        return float(np.sum(k * x**4))

    passes(gradcheck(from_numpy(energy, grad=lambda x, k: (4 * k * x**3, np.sum(x**4))), X, 2.0))
    report = gradcheck(from_numpy(energy, grad=lambda x, k: (4 * k * x**3, np.sum(x**3))), X, 2.0)
    fails(report)
    assert report.worst.input == "k"


def test_numpy_jacobian_has_the_outputs_shape_first():
    def pairs(x):
        return np.outer(x, x)

    def jacobian(x):
        e = np.eye(len(x))
        return np.einsum("ik,j->ijk", e, x) + np.einsum("jk,i->ijk", e, x)

    passes(gradcheck(from_numpy(pairs, jacobian=jacobian), X[0]))
    fails(gradcheck(from_numpy(pairs, jacobian=lambda x: jacobian(x) * (1 + 1e-6)), X[0]))


def test_numpy_containers_constants_and_arguments_without_a_gradient():
    def loss(p, labels, scale):
        return {"loss": scale * np.sum((p["x"] - labels) ** 2), "count": labels.size}

    def vjp(g, p, labels, scale):
        d = p["x"] - labels
        return {"x": 2 * scale * g["loss"] * d}, None, g["loss"] * np.sum(d * d)

    labels = np.array([0, 1, 2])
    passes(gradcheck(from_numpy(loss, vjp=vjp), {"x": X[0]}, labels, 0.5))
    report = gradcheck(from_numpy(loss, vjp=lambda g, *xs: (vjp(g, *xs)[0], None, None)), {"x": X[0]}, labels, 0.5)
    fails(report)
    assert report.worst.input == "scale"


def test_numpy_one_list_is_one_argument():
    def total(xs):
        return xs[0] * 2 + xs[1] * 3

    passes(gradcheck(from_numpy(total, vjp=lambda g, xs: [2 * g, 3 * g]), [X[0], X[1]]))
    fails(gradcheck(from_numpy(total, vjp=lambda g, xs: [3 * g, 2 * g]), [X[0], X[1]]))


@pytest.mark.parametrize("x", [0.7, np.float64(-0.2), np.array(0.3), np.zeros(0), np.zeros((0, 3)), np.ones((2, 0))])
def test_numpy_numbers_0d_and_empty(x):
    passes(gradcheck(from_numpy(np.sin, vjp=lambda g, x: g * np.cos(x)), x))


def test_numpy_rule_runs_in_the_callers_dtype():
    seen = []

    def vjp(g, x):
        seen.append((g.dtype, x.dtype))
        return g * np.cos(x)

    passes(gradcheck(from_numpy(np.sin, vjp=vjp), X.astype(np.float32)))
    assert (np.dtype(np.float32), np.dtype(np.float32)) in seen
    assert (np.dtype(np.float64), np.dtype(np.float64)) in seen


def test_numpy_complex_gradients_are_conjugated_as_pytorchs():
    z = X[0] + 1j * X[1]
    passes(gradcheck(from_numpy(np.exp, vjp=lambda g, z: g * np.conj(np.exp(z))), z))
    fails(gradcheck(from_numpy(np.exp, vjp=lambda g, z: g * np.exp(z)), z))


def test_numpy_kink():
    passes(gradcheck(from_numpy(np.abs, vjp=lambda g, x: g * np.sign(x)), np.array([-1.0, 0.0, 2.0])))
    fails(gradcheck(from_numpy(np.abs, vjp=lambda g, x: g * np.where(x == 0, 1.5, np.sign(x))), np.array([-1.0, 0.0])))


def test_numpy_rule_that_reads_memory_order():
    def vjp(g, x):
        return 2 * g * x.ravel(order="K").reshape(x.shape)

    fails(gradcheck(from_numpy(np.square, vjp=vjp), X.T))


def test_numpy_wrong_shape_is_a_failure():
    report = gradcheck(from_numpy(np.sum, vjp=lambda g, x: g), X)
    fails(report)
    assert report.reason == "wrong shape"


def test_numpy_misuse_is_named():
    with pytest.raises(TypeError, match="one of vjp=, grad= and jacobian=; 0 were given"):
        from_numpy(np.sin)
    with pytest.raises(TypeError, match="2 were given"):
        from_numpy(np.sin, vjp=lambda g, x: g, grad=lambda x: x)
    report = gradcheck(from_numpy(product, vjp=lambda g, a, b: g @ b.T), X, W)
    fails(report)
    assert "returned ndarray; expected a tuple of 2, one gradient for each argument" in report.detail
    with pytest.raises(TypeError, match=r"sin: .*from_numpy\(gradient, jacobian=hessian\)"):
        gradgradcheck(from_numpy(np.sin, vjp=lambda g, x: g * np.cos(x)), X)
    with pytest.raises(TypeError, match="sin has no forward mode"):
        jvpcheck(from_numpy(np.sin, vjp=lambda g, x: g * np.cos(x)), X)
    with pytest.raises(TypeError, match="floating"):
        gradcheck(from_numpy(np.argsort, vjp=lambda g, x: g), X)


def test_an_adapted_function_is_still_that_function():
    assert from_numpy(np.sin, vjp=lambda g, x: g * np.cos(x))(0.0) == 0.0


@pytest.mark.parametrize(("adapter", "library"), [(from_torch, "torch"), (from_jax, "jax")])
def test_a_missing_library_is_named_with_its_extra(adapter, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ModuleNotFoundError, match=rf"from_{library} needs {library}: .*ndtape\["):
        adapter(np.sin)


# --- PyTorch -------------------------------------------------------------------------------------------------------


@pytest.fixture
def torch(torch):
    """Torch on one thread: at these sizes more of them only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)


@pytest.fixture
def cube(torch):
    """A cube whose backward may be off, or may hold its input constant."""

    def made(factor=1.0, constant=False):
        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                return g * 3 * factor * (x * x).detach() if constant else g * 3 * factor * x * x

        return from_torch(Cube.apply)

    return made


def test_torch_custom_function(cube):
    passes(gradgradcheck(cube(), X))
    fails(gradcheck(cube(1 + 1e-5), X))  # within torch.autograd.gradcheck's tolerance


def test_torch_second_order(cube):
    passes(gradcheck(cube(constant=True), X))
    report = gradgradcheck(cube(constant=True), X)
    fails(report)
    assert report.order == 2
    assert "gradient" in report.worst.output or report.worst.output_index is None


def test_torch_module_with_its_parameters(torch):
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1, bias=False))
    before = dict(model.named_parameters())
    values = {name: p.detach().clone() for name, p in before.items()}
    x = torch.tensor(X, dtype=torch.float32)
    report = gradgradcheck(from_torch(model), x)
    passes(report)
    assert all(p is before[name] and p.grad is None for name, p in model.named_parameters())
    assert all(torch.equal(p, values[name]) for name, p in model.named_parameters())


def test_torch_wrong_parameter_gradient_is_named(torch):
    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x * w

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            return g * w, (g * x).mean(0)

    class Layer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = torch.nn.Parameter(torch.ones(3))

        def forward(self, x):
            return Scale.apply(x, self.gain)

    layer = Layer()
    report = gradcheck(from_torch(layer), torch.tensor(X))
    fails(report)
    assert report.worst.input == "gain"
    fails(gradcheck(from_torch(lambda x: layer(x).sum()), torch.tensor(X), params=layer))
    passes(gradcheck(from_torch(lambda x: layer(x).sum()), torch.tensor(X)))


def test_torch_buffers_are_wide_and_left_alone(torch):
    norm, x = torch.nn.BatchNorm1d(2), X[:, :2]
    before = {name: b.clone() for name, b in norm.named_buffers()}
    passes(gradcheck(from_torch(norm), torch.tensor(np.concatenate([x, -x * x]), dtype=torch.float32)))
    assert all(torch.equal(b, before[name]) for name, b in norm.named_buffers())
    passes(gradcheck(from_torch(norm.eval()), torch.tensor(x, dtype=torch.float32)))


def test_torch_shared_parameters_have_one_gradient(torch):
    first, second = torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    passes(gradcheck(from_torch(torch.nn.Sequential(first, torch.nn.Tanh(), second)), torch.tensor(X).float()))


def test_torch_only_tensors_that_require_a_gradient_are_checked(torch, cube):
    wrong = cube(2.0)
    x, y = torch.tensor(X), torch.tensor(X, requires_grad=True)
    passes(gradcheck(from_torch(lambda x, y: wrong(x) + torch.sin(y)), x, y))
    fails(gradcheck(from_torch(lambda x, y: wrong(x) + torch.sin(y)), x, torch.tensor(X)))


def test_torch_containers_integers_and_several_outputs(torch):
    def f(p, index):
        return {"picked": p["x"][index], "index": index, "parts": (p["x"].sum(), p["y"] * 2)}

    p = {"x": torch.tensor(X), "y": X[0]}
    report = gradcheck(from_torch(f), p, torch.tensor([1, 1, 0]))
    passes(report)
    assert {e.input for e in report.entries} <= {"p['x']", "p['y']", "all inputs, along a line", "all inputs"}


def test_torch_complex(torch):
    z = torch.tensor(X[0] + 1j * X[1])
    passes(gradgradcheck(from_torch(lambda z: torch.exp(z) * z.conj()), z))


def test_torch_function_that_insists_on_its_dtype(torch):
    w = torch.tensor(W, dtype=torch.float32)
    passes(gradcheck(from_torch(lambda x: x @ w), torch.tensor(X, dtype=torch.float32)))


def test_torch_rule_that_reads_strides(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x if x.is_contiguous() else g * x

    fails(gradcheck(from_torch(Square.apply), X))


def test_torch_forward_mode(torch):
    class Tangent(torch.autograd.Function):
        factor = 1.0

        @staticmethod
        def forward(x):
            return torch.sin(x)

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_forward(*inputs)
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return g * torch.cos(ctx.saved_tensors[0])

        @classmethod
        def jvp(cls, ctx, t):
            (x,) = ctx.saved_tensors
            return t * cls.factor * torch.cos(x)

    passes(jvpcheck(from_torch(torch.nn.Linear(3, 2)), torch.tensor(X).float()))
    passes(jvpcheck(from_torch(Tangent.apply), X))
    Tangent.factor = 1.001
    fails(jvpcheck(from_torch(Tangent.apply), X))


def test_torch_hessian_symmetry(torch, cube):
    passes(hessian_symmetry(from_torch(lambda x: torch.sin(x).sum()), X[0]))


def test_torch_bfloat16_is_refused_by_name(torch):
    with pytest.raises(TypeError, match=r"bfloat16.*t\.float\(\)"):
        gradcheck(from_torch(torch.tanh), torch.ones(2, dtype=torch.bfloat16))


# --- JAX -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def jax():
    return pytest.importorskip("jax")


@pytest.fixture
def jax_cube(jax):
    """A cube whose rule may be off, or may hold its input constant."""

    def made(factor=1.0, constant=False):
        @jax.custom_vjp
        def cube(x):
            return x**3

        def rule(x, g):
            return (g * 3 * factor * (jax.lax.stop_gradient(x * x) if constant else x * x),)

        cube.defvjp(lambda x: (cube(x), x), rule)
        return from_jax(cube)

    return made


def test_jax_custom_vjp(jax_cube):
    passes(gradgradcheck(jax_cube(), X))
    fails(gradcheck(jax_cube(1 + 1e-7), X))  # float32 could not tell
    passes(gradcheck(jax_cube(constant=True), X))
    assert fails(report := gradgradcheck(jax_cube(constant=True), X))
    assert report.order == 2


def test_jax_forward_mode(jax):
    for factor, verdict in ((1.0, passes), (1.001, fails)):
        sin = jax.custom_jvp(jax.numpy.sin)
        sin.defjvp(lambda xs, ts, factor=factor: (jax.numpy.sin(xs[0]), factor * jax.numpy.cos(xs[0]) * ts[0]))
        verdict(jvpcheck(from_jax(sin), X))
        verdict(gradcheck(from_jax(sin), X))


def test_jax_leaves_x64_as_it_was(jax, jax_cube):
    gradcheck(jax_cube(), X)
    assert jax.numpy.ones(1).dtype == np.float32


def test_jax_containers_constants_and_complex(jax):
    jnp = jax.numpy

    def f(p, index):
        return {"y": jnp.tanh(p["x"] @ p["w"])[index], "index": index}

    passes(gradcheck(from_jax(f), {"x": jnp.asarray(X), "w": W}, np.array([1, 1])))
    z = X[0] + 1j * X[1]
    passes(gradgradcheck(from_jax(lambda z: jnp.exp(z) * jnp.conj(z)), z))


def test_jax_jitted_in_float32(jax):
    passes(gradcheck(from_jax(jax.jit(lambda x: jax.nn.softmax(x))), X.astype(np.float32)))
