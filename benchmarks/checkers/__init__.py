"""Checkers of derivatives side by side: what each catches of a set of planted errors, and what it rejects wrongly."""
