"""Hypothesis strategies for arrays, operands, modules and programs."""
