"""Suites that every variant of a family passes; the family's own tests subclass them."""

import pytest

pytest.register_assert_rewrite(__name__)
