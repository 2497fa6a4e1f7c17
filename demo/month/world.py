"""The world of the month: shops whose customers have lasting habits, and what befalls their data.

A shop's past never changes: what was written up to one day is the beginning of what is written up
to the next. Everything comes from the shop's name, so the month can be lived again.
"""

import datetime as dt
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

BEGINNING = dt.date(1997, 11, 3)
DAYS = 160


@dataclass(frozen=True)
class Shop:
    """One shop's data; `changed_on` is the day from which its customers or its feed are others."""

    name: str
    customers: int = 400
    changed_on: dt.date | None = None

    def write(self, path: Path, until: dt.date, *, renamed: bool = False) -> None:
        """Every visit before `until`, in one Parquet file that appears whole."""
        draft = path.with_suffix(".part")
        rows = self.rows().filter(pl.col("day") < until)
        (rows.rename({"spent": "amount"}) if renamed else rows).write_parquet(draft)
        draft.rename(path)

    def rows(self) -> pl.DataFrame:
        """A row a customer and day: whether they came, what they spent, by which channel."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        habit = rng.beta(0.7, 2.0, self.customers)
        channel = rng.choice(["shop", "mail", "phone"], self.customers, p=[0.6, 0.3, 0.1])
        came = rng.random((self.customers, DAYS)) < 0.6 * habit[:, None]
        spent = np.round(rng.gamma(2.0, 8.0 + 30.0 * habit[:, None], came.shape) * came, 2)
        days = [BEGINNING + dt.timedelta(days=number) for number in range(DAYS)]
        rows = pl.DataFrame(
            {
                "customer_id": np.repeat(np.arange(self.customers), DAYS),
                "channel": np.repeat(channel, DAYS),
                "day": days * self.customers,
                "came": came.ravel().astype(np.int64),
                "spent": spent.ravel(),
            }
        )
        return rows if self.changed_on is None else self._changed(rows, rng)

    def _changed(self, rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """From that day on amounts arrive in cents, and a third of customers order online."""
        later = pl.col("day") >= self.changed_on
        online = pl.col("customer_id").is_in(
            rng.choice(self.customers, self.customers // 3, replace=False).tolist()
        )
        return rows.with_columns(
            spent=pl.when(later).then(pl.col("spent") * 100).otherwise(pl.col("spent")),
            channel=pl.when(later & online).then(pl.lit("online")).otherwise(pl.col("channel")),
        )


@dataclass
class World:
    """All shops, and the folders that their data lie in."""

    shops: dict[str, Shop] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    """Names of shops whose data doesn't arrive for now."""
    broken: set[str] = field(default_factory=set)
    """Names of shops whose data arrives under other column names for now."""

    def live(self, until: dt.date) -> None:
        """Let every feed that isn't late arrive up to a day, exclusive."""
        for name, shop in self.shops.items():
            if name not in self.late:
                path = self.folders[name] / "visits.parquet"
                shop.write(path, until, renamed=name in self.broken)
