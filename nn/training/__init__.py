"""Training: a loop that goes on where it was interrupted, what it remembers, and pictures of that."""

from nn.training.history import History as History
from nn.training.history import plot_history as plot_history
from nn.training.loop import fit as fit
