"""What may be contacted: exactly what is listed."""

import pytest

from model_refresh.alerting.allowed import LOCAL, parse_allowed


@pytest.mark.parametrize(
    ("entry", "host", "port", "admits"),
    [
        ("slack://hooks.slack.com", "hooks.slack.com", 443, True),
        ("slack://hooks.slack.com", "HOOKS.slack.com.", 443, True),
        ("slack://hooks.slack.com", "hooks.slack.com.evil.example", 443, False),
        ("slack://hooks.slack.com", "slack.com", 443, False),
        ("slack://*.slack.com", "hooks.slack.com", 443, True),
        ("slack://*.slack.com", "slack.com", 443, False),
        ("slack://*.slack.com", "evilslack.com", 443, False),
        ("json://10.0.0.1:8080", "10.0.0.1", 8080, True),
        ("json://10.0.0.1:8080", "10.0.0.1", 22, False),
        ("json://10.0.0.1:8080", "10.0.0.1", None, True),
        ("json://[::1]:80", "::1", 80, True),
    ],
)
def test_an_entry_admits_its_host_and_port(
    entry: str, host: str, port: int | None, admits: bool
) -> None:
    assert parse_allowed(entry).admits(host, port) is admits


@pytest.mark.parametrize(
    "entry",
    ["hooks.slack.com", "slack://", "slack://*", "slack://a b", "slack://user@host", "json://h/p",
     "json://h:0", "json://h:99999", "*://host", "json://a.*.com"],
)  # fmt: skip
def test_what_names_no_one_host_is_no_entry(entry: str) -> None:
    with pytest.raises(ValueError, match=r"accepted|out of range"):
        parse_allowed(entry)


@pytest.mark.parametrize("scheme", LOCAL)
def test_what_reaches_this_machine_is_never_allowed(scheme: str) -> None:
    with pytest.raises(ValueError, match="never allowed"):
        parse_allowed(f"{scheme}://host")
