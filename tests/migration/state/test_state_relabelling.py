"""Whatever a database holds: a copy with other numbers, other identifiers and another order of rows is the same one."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.databases import Bench, places

#: Customers by name, each with orders, each with the products of its lines and the line that its remark is on, if any.
Shop = list[tuple[str, list[tuple[list[str], int | None]]]]
products = st.sampled_from(["tea", "cup", "pot"])
orders = st.tuples(st.lists(products, min_size=1, max_size=3), st.none() | st.integers(0, 2))
shops: st.SearchStrategy[Shop] = st.lists(
    st.tuples(st.sampled_from(["ann", "bob"]), st.lists(orders, max_size=3)), min_size=1, max_size=4
)
TABLES = (
    "CREATE TABLE customers (id CHAR(36) PRIMARY KEY, name TEXT)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id CHAR(36), at TIMESTAMP)",
    "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), product TEXT)",
    "CREATE TABLE remarks (id CHAR(36) PRIMARY KEY, line_id INTEGER REFERENCES lines (id), text TEXT)",
)
quickly = settings(max_examples=30, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def statements(shop: Shop, chance: random.Random) -> list[str]:
    """The rows of a shop under names and in an order that ``chance`` gives."""

    def identifier() -> str:
        return str(UUID(int=chance.getrandbits(128), version=4))

    customers, ordered, lines, remarks = [], [], [], []
    count = sum(len(given) for _, given in shop)
    order_numbers, line_numbers = (chance.sample(range(1, 500), count * factor) for factor in (1, 3))
    for name, given_orders in shop:
        customer = identifier()
        customers.append(f"INSERT INTO customers VALUES ('{customer}', '{name}')")
        for skus, remarked in given_orders:
            order = order_numbers.pop()
            ordered.append(
                f"INSERT INTO orders VALUES ({order}, '{customer}', '2026-11-21 08:00:0{chance.randrange(3)}')"
            )
            for at, sku in enumerate(skus):
                line = line_numbers.pop()
                lines.append(f"INSERT INTO lines VALUES ({line}, {order}, '{sku}')")
                if at == remarked:
                    remarks.append(f"INSERT INTO remarks VALUES ('{identifier()}', {line}, 'for {customer}')")
    for table in (customers, ordered, lines, remarks):
        chance.shuffle(table)
    return [*customers, *ordered, *lines, *remarks]


def bench_with(shop: Shop, chance: random.Random, directory: str) -> Bench:
    bench = Bench(Path(directory))
    bench.both(*TABLES)
    bench.on_control(*statements(shop, chance))
    bench.on_candidate(*statements(shop, chance))
    return bench


@quickly
@given(shops, st.integers(0, 2**32).map(random.Random))
def test_another_order_and_other_names_make_no_difference(shop: Shop, chance: random.Random) -> None:
    with tempfile.TemporaryDirectory() as directory:
        assert places(bench_with(shop, chance, directory).compare()) == []


@quickly
@given(shops, st.integers(0, 2**32).map(random.Random), st.sampled_from(["orders", "lines", "customers"]))
def test_a_row_less_is_always_noticed(shop: Shop, chance: random.Random, table: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        bench = bench_with(shop, chance, directory)
        bench.both(f"INSERT INTO {table} (id) VALUES (-1)")
        bench.on_candidate(f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})")
        found = bench.compare()
        assert (table, "missing row", "missing") in places(found)


@quickly
@given(shops, st.integers(0, 2**32).map(random.Random))
def test_a_wrong_value_is_found_in_its_column(shop: Shop, chance: random.Random) -> None:
    with tempfile.TemporaryDirectory() as directory:
        bench = bench_with(shop, chance, directory)
        bench.on_candidate("UPDATE lines SET product = 'jam' WHERE id = (SELECT min(id) FROM lines)")
        found = places(bench.compare())
        assert found == ([("lines", "product", "value")] if any(given for _, given in shop) else [])
