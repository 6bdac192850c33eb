"""Reverse-mode automatic differentiation of NumPy: rules of one line, graphs you can look at, derivatives you can test.

>>> import autodiff as ad, numpy as np
>>> x = ad.tensor([0.0, 1.0], requires_grad=True)
>>> np.sum(np.exp(x)).backward()
>>> x.grad
tensor([1.      , 2.718282])
"""

import numpy as _np

from autodiff import rules as rules

from autodiff.tensor import Tensor as Tensor  # isort: skip (rules come first)
from autodiff import functional as functional
from autodiff import functions as functions
from autodiff import random as random
from autodiff.checkpointing import checkpoint as checkpoint
from autodiff.coverage import coverage as coverage
from autodiff.creation import arange as arange
from autodiff.creation import as_tensor as as_tensor
from autodiff.creation import empty as empty
from autodiff.creation import empty_like as empty_like
from autodiff.creation import eye as eye
from autodiff.creation import full as full
from autodiff.creation import full_like as full_like
from autodiff.creation import get_default_dtype as get_default_dtype
from autodiff.creation import linspace as linspace
from autodiff.creation import ones as ones
from autodiff.creation import ones_like as ones_like
from autodiff.creation import set_default_dtype as set_default_dtype
from autodiff.creation import tensor as tensor
from autodiff.creation import zeros as zeros
from autodiff.creation import zeros_like as zeros_like
from autodiff.devices import accelerator as accelerator
from autodiff.devices import cuda as cuda
from autodiff.devices import device as device
from autodiff.errors import ArgumentError as ArgumentError
from autodiff.errors import AutodiffError as AutodiffError
from autodiff.function import Function as Function
from autodiff.functions import cat as cat
from autodiff.functions import concat as concat
from autodiff.functions import concatenate as concatenate
from autodiff.functions import cummax as cummax
from autodiff.functions import cummin as cummin
from autodiff.functions import einsum as einsum
from autodiff.functions import flatten as flatten
from autodiff.functions import is_tensor as is_tensor
from autodiff.functions import kthvalue as kthvalue
from autodiff.functions import log_softmax as log_softmax
from autodiff.functions import logcumsumexp as logcumsumexp
from autodiff.functions import logsumexp as logsumexp
from autodiff.functions import matmul as matmul
from autodiff.functions import max as max
from autodiff.functions import meshgrid as meshgrid
from autodiff.functions import min as min
from autodiff.functions import relu as relu
from autodiff.functions import sigmoid as sigmoid
from autodiff.functions import softmax as softmax
from autodiff.functions import sort as sort
from autodiff.functions import stack as stack
from autodiff.functions import topk as topk
from autodiff.functions import transpose as transpose
from autodiff.functions import where as where
from autodiff.graph import draw as draw
from autodiff.graph import explain as explain
from autodiff.graph import graph_diff as graph_diff
from autodiff.graph import profile as profile
from autodiff.graph import trace as trace
from autodiff.latex import latex as latex
from autodiff.memory import tune_allocator as tune_allocator
from autodiff.primitive import bilinear as bilinear
from autodiff.primitive import composite as composite
from autodiff.primitive import elementwise as elementwise
from autodiff.primitive import joint as joint
from autodiff.primitive import linear as linear
from autodiff.primitive import outputs as outputs
from autodiff.primitive import primitive as primitive
from autodiff.primitive import reduction as reduction
from autodiff.primitive import registry as registry
from autodiff.primitive import sequence as sequence
from autodiff.primitive import zero as zero
from autodiff.random import Generator as Generator
from autodiff.random import bernoulli as bernoulli
from autodiff.random import manual_seed as manual_seed
from autodiff.random import multinomial as multinomial
from autodiff.random import rand as rand
from autodiff.random import rand_like as rand_like
from autodiff.random import randint as randint
from autodiff.random import randn as randn
from autodiff.random import randn_like as randn_like
from autodiff.random import randperm as randperm
from autodiff.reading import help as help
from autodiff.reading import rule as rule
from autodiff.serialization import load as load
from autodiff.serialization import save as save
from autodiff.sweep import backward as backward
from autodiff.sweep import grad as grad
from autodiff.tape import detect_anomaly as detect_anomaly
from autodiff.tape import enable_grad as enable_grad
from autodiff.tape import is_grad_enabled as is_grad_enabled
from autodiff.tape import no_grad as no_grad
from autodiff.tape import set_grad_enabled as set_grad_enabled
from autodiff.threads import get_num_threads as get_num_threads
from autodiff.threads import set_num_threads as set_num_threads

float16, float32, float64 = map(_np.dtype, (_np.float16, _np.float32, _np.float64))
complex64, complex128 = map(_np.dtype, (_np.complex64, _np.complex128))
bool_, uint8, int8, int16, int32, int64 = map(_np.dtype, ("bool", "uint8", "int8", "int16", "int32", "int64"))
half, double, long = float16, float64, int64
from_numpy, inference_mode = as_tensor, no_grad

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load `ad.testing`, `ad.special` or `ad.linalg` when first asked for; find what PyTorch and NumPy name alike."""
    if name in ("testing", "special", "linalg"):
        import importlib

        return importlib.import_module(f"autodiff.{name}")
    found = {"float": float32, "int": int32, "bool": bool_}.get(name) or functions.shared(name)
    if found is not None:  # not kept: what `ad.coverage()` says would depend on what was asked for before
        return found
    hint = functions.TORN.get(name) or ("write np." + name if functions.registered(name) else "")
    raise AttributeError(f"module 'autodiff' has no attribute {name!r}{hint and f': {hint}'}.")
