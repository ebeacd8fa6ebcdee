"""Loops only: what happens inside them is in flow."""
