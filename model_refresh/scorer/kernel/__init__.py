"""Sums of trees by a small compiled kernel: built once a machine, verified, never required."""
