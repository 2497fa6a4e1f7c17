"""docs/how-to/alerts.md names every kind of alert, and its example is accepted as it stands."""

import re
from pathlib import Path

from model_refresh.config.alerts import read_alerts
from model_refresh.monitoring.alerts.fleet import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "alerts.md"
ENVIRONMENT = {
    "SLACK_URL": "slack://a/b/c",
    "OPERATORS_URL": "slack://d/e/f",
    "TEAMS_URL": "https://example.webhook.office.com/x",
    "MAIL_USER": "ann",
    "MAIL_PASSWORD": "secret",
    "PING_URL": "https://hc-ping.com/uuid",
}


def test_the_table_has_a_row_for_every_kind_and_for_nothing_else() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+)", PAGE.read_text(), re.MULTILINE)
    assert sorted(kind for kind, _ in rows) == sorted(KINDS)
    assert {severity for _, severity in rows} == {"critical", "warning", "info"}


def test_the_example_is_accepted(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "alerts.yaml").write_text(example)
    reading = read_alerts(tmp_path, environment=ENVIRONMENT)
    assert reading.problems == ()
    assert len(reading.spec.routes) == 4
    assert reading.spec.warnings == ()
