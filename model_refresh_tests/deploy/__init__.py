"""Tests of the files that a server is set up with."""
