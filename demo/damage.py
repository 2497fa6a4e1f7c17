"""What real feeds suffer: each function gives a damaged copy of the transactions."""

import datetime as dt

import polars as pl

SINCE = dt.date(1997, 12, 1)
"""Rows before this day arrived whole."""

_SEED = 1997


def half_lost(transactions: pl.DataFrame) -> pl.DataFrame:
    """Every second row since then never arrived."""
    recent = transactions.filter(pl.col("date") >= SINCE).sample(fraction=0.5, seed=_SEED)
    return pl.concat([transactions.filter(pl.col("date") < SINCE), recent])


def shuffled_join(transactions: pl.DataFrame) -> pl.DataFrame:
    """Since then purchases are joined to the wrong customers, always the same wrong one."""
    customers = transactions["customer_id"].unique().sort()
    wrong = customers.sample(fraction=1.0, shuffle=True, seed=_SEED)
    swapped = pl.col("customer_id").replace_strict(customers, wrong)
    recent = pl.when(pl.col("date") >= SINCE).then(swapped).otherwise("customer_id")
    return transactions.with_columns(recent.alias("customer_id"))
