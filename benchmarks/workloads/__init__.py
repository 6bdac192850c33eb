"""One file per workload: its rows, with every engine's side of the work next to each other."""
