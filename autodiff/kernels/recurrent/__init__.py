"""Recurrent networks: a whole sequence of one layer in one direction is one operation, and so is its gradient."""

from autodiff.kernels.recurrent.gru_sequence import gru as gru
from autodiff.kernels.recurrent.lstm_sequence import lstm as lstm
from autodiff.kernels.recurrent.rnn_sequence import rnn as rnn
