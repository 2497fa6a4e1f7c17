"""Telling people: what goes out, to whom, how often, and what never does."""
