"""gradcheck and what it is made of: the analytic side, the oracles, and the weighing of one against the other."""
