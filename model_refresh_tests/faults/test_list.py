"""The list of faults for maintainers, docs/faults.md."""

import re

from model_refresh_tests.faults.world import ROOT


def test_every_test_that_the_list_of_faults_names_exists() -> None:
    text = (ROOT / "docs" / "faults.md").read_text()
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
    assert len(named) > 40
    for file, test in named:
        source = (ROOT / "model_refresh_tests" / file).read_text()
        assert re.search(rf"def {test}\(", source), f"docs/faults.md: {file}::{test}"
