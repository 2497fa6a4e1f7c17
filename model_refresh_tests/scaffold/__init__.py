"""Tests of what `init` writes."""
