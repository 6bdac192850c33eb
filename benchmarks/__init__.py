"""The same work in this engine and in each installed peer: `python -m benchmarks --help`."""
