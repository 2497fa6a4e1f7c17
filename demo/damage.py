"""What real feeds suffer: each function gives a damaged copy of the transactions."""

import polars as pl

_SEED = 1997


def half_lost(transactions: pl.DataFrame) -> pl.DataFrame:
    """Every second row never arrived."""
    return transactions.sample(fraction=0.5, seed=_SEED)


def shuffled_join(transactions: pl.DataFrame) -> pl.DataFrame:
    """Purchases were joined to the wrong customers, each customer keeping their number."""
    customers = transactions["customer_id"].sample(fraction=1.0, shuffle=True, seed=_SEED)
    return transactions.with_columns(customers)


def unit_change(transactions: pl.DataFrame) -> pl.DataFrame:
    """Dollars arrive in cents."""
    return transactions.with_columns(pl.col("dollars") * 100)
