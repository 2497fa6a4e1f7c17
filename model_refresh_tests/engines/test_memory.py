import polars as pl

from model_refresh.engines.memory import Memory
from model_refresh_tests.contracts.engines import SALES, table


def test_polars_and_arrow_tables_can_be_joined() -> None:
    people = pl.DataFrame({"customer": ["a", "b"], "city": ["Oslo", "Rome"]})
    with Memory({"sales": SALES, "people": people}) as engine:
        rows = table(
            engine, "select city, amount from sales join people using (customer) order by all"
        )
    assert rows.to_pylist() == [
        {"city": "Oslo", "amount": 1.5},
        {"city": "Oslo", "amount": None},
        {"city": "Rome", "amount": 2.0},
    ]
