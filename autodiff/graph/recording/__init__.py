"""From a program to a Graph: what the engine reports, the log of it, and what a tape remembers."""
