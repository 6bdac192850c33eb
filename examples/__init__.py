"""Runnable stories; start one with `python -m examples.digits.train`."""
