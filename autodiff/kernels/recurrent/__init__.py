"""Recurrent networks: a whole sequence of one layer in one direction is one operation, and so is its gradient."""

from autodiff.kernels.recurrent.gru import gru as gru
from autodiff.kernels.recurrent.lstm import lstm as lstm
from autodiff.kernels.recurrent.rnn import rnn as rnn
