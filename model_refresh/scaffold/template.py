"""The files of a model that is to be written by hand: every part with a comment, and sound."""

from collections.abc import Mapping


def template(name: str) -> Mapping[str, str]:
    """The files of a new model by name; its data are still to be put there."""
    return {
        "model.yaml": _DECLARATION.replace("NAME", name),
        "features.sql": _FEATURES,
        "labels.sql": _LABELS,
    }


_DECLARATION = """\
# A template: put the data where `source` says, and change what is said of them. Every setting that
# isn't here has a default: `model-refresh show NAME`.
name: NAME
description: Will a customer buy again within four weeks?
owners: []  # who is told: [team:crm], or addresses of mail
task: binary  # binary | regression | multiclass

# Tables by name: csv, json or parquet files or globs, relative to this folder; or `database:` with
# the path of a .duckdb file. ${NAME} in a path is taken from the environment.
source:
  engine: duckdb
  tables: {orders: data/orders.csv}

# The rows to be scored, one a key. snapshot: they stand at $as_of, as customers do. event: they
# happen in [$as_of, $next), as flights do, and need event_time.
frame:
  features: features.sql
  key: customer_id
  rows: snapshot
  every: 7d  # 1h to 12h, 1d, 7d or 1mo
  start: 2026-01-05  # the first frame, once there is some history

# What became of them in [$as_of, $until), where $until is $as_of + horizon. A label that can still
# change after that needs a maturity.
label:
  query: labels.sql
  column: bought_again
  horizon: 28d
  maturity: 0d

schedule: {cron: "0 6 * * MON", timezone: UTC}
"""

_FEATURES = """\
-- One row a key: what was known of it before $as_of. Nothing at or after $as_of may be read: it
-- would not be there yet in production.
SELECT
    customer_id,
    count(*) AS orders,
    count(*) FILTER (ordered_at >= $as_of - INTERVAL 28 DAY) AS orders_28d,
    date_diff('day', max(ordered_at), $as_of) AS days_since_last,
    date_diff('day', min(ordered_at), $as_of) AS days_since_first,
    sum(amount) AS amount,
    arg_max(amount, ordered_at) AS amount_last,
FROM orders
WHERE ordered_at < $as_of
GROUP BY customer_id
ORDER BY customer_id
"""

_LABELS = """\
-- Every key of the frame, and what became of it in [$as_of, $until).
SELECT
    customer_id,
    count(*) FILTER (ordered_at >= $as_of AND ordered_at < $until) > 0 AS bought_again,
FROM orders
GROUP BY customer_id
HAVING min(ordered_at) < $as_of
"""
