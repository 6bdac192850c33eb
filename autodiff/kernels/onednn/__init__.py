"""Convolutions and matrix products by oneDNN, where it is installed (the extra `onednn`); NumPy forms stand beside."""

from autodiff.kernels.onednn.convolutions import backward_data as backward_data
from autodiff.kernels.onednn.convolutions import backward_weights as backward_weights
from autodiff.kernels.onednn.convolutions import convolution as convolution
from autodiff.kernels.onednn.library import OneDNNError as OneDNNError
from autodiff.kernels.onednn.library import available as available
from autodiff.kernels.onednn.library import in_use as in_use
from autodiff.kernels.onednn.library import without as without
from autodiff.kernels.onednn.matrices import gemm as gemm
