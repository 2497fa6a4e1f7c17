"""Suites that every variant of a family passes; the family's own tests subclass them."""

from pathlib import Path

import pytest

suites = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in suites))
