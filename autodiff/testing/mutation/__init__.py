"""Mutation testing of derivative rules: which wrong rules a set of tests would notice."""
