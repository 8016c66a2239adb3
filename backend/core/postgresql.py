"""What PostgreSQL has to be told so that the same statements mean on it what they mean on MySQL and SQLite."""

from typing import Any

from sqlalchemy import Column, Engine, Label
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg
from sqlalchemy.sql import operators
from sqlalchemy.types import UserDefinedType

COLLATION = "unicode_ci"
CREATE_COLLATION = (
    f"CREATE COLLATION IF NOT EXISTS {COLLATION} (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
)
PATTERN_COLLATION = "und-x-icu"
NOW = "date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC')"
LONGEST_STATEMENT_SECONDS = 60
LONGEST_LOCK_WAIT_SECONDS = 50


class CaselessText(UserDefinedType[str]):
    """Text that is compared as MySQL's utf8mb4_unicode_ci compares: without regard to case, accents or spaces behind.

    PostgreSQL's `bpchar` ignores the spaces, the collation of the columns the rest.
    """

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type of a column."""
        return f"BPCHAR COLLATE {COLLATION}"


class UntypedOperand(UserDefinedType[Any]):
    """A value whose type PostgreSQL sees from what it is compared with."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Never part of a table."""
        raise NotImplementedError


class CompilerForPostgreSQL(PGCompiler_psycopg):
    """Writes statements so that NULLs are the smallest values, times whole seconds, and patterns regardless of case."""

    def visit_now_func(self, fn: Any, **options: Any) -> str:
        """The second in which the statement began: the others' columns hold no fractions either."""
        return NOW

    def visit_like_op_binary(self, binary: Any, operator: Any, **options: Any) -> str:
        """LIKE that knows no case, which the columns' own collation does not support."""
        return self.visit_ilike_op_binary(_with_pattern_collation(binary), operator, **options)

    def visit_not_like_op_binary(self, binary: Any, operator: Any, **options: Any) -> str:
        """NOT LIKE, likewise."""
        return self.visit_not_ilike_op_binary(_with_pattern_collation(binary), operator, **options)

    def visit_unary(self, unary: Any, *positional: Any, **options: Any) -> str:
        """`DESC` has NULLs at its end."""
        text: str = super().visit_unary(unary, *positional, **options)
        descends = unary.modifier is operators.desc_op
        return f"{text} NULLS LAST" if descends and not _has_no_nulls(unary.element) else text

    def order_by_clause(self, select: Any, **options: Any) -> str:
        """Ascending order has NULLs at its beginning."""
        written = []
        for clause in select._order_by_clauses:
            text = self.process(clause, **options)
            written.append(f"{text} NULLS FIRST" if _ascends_with_nulls(clause) else text)
        return f" ORDER BY {', '.join(written)}" if written else ""


def prepare_postgresql(engine: Engine) -> None:
    """Let `engine` write its statements so, and know the type of its texts."""
    engine.dialect.statement_compiler = CompilerForPostgreSQL
    engine.dialect.ischema_names = {**engine.dialect.ischema_names, "bpchar": TEXT}  # type: ignore[attr-defined]


def connect_arguments() -> dict[str, Any]:
    """Arguments of the driver: no wait is endless, times are UTC."""
    session = {
        "timezone": "UTC",
        # No statement of ours runs long enough to win back what compiling it takes.
        "jit": "off",
        "lock_timeout": f"{LONGEST_LOCK_WAIT_SECONDS}s",
        "statement_timeout": f"{LONGEST_STATEMENT_SECONDS}s",
    }
    return {
        "connect_timeout": 10,
        "tcp_user_timeout": LONGEST_STATEMENT_SECONDS * 1000,
        "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
    }


def _with_pattern_collation(binary: Any) -> Any:
    copy = binary._clone()
    copy.left = copy.left.collate(PATTERN_COLLATION)
    return copy


def _ascends_with_nulls(clause: Any) -> bool:
    ordered = clause.element if clause.__visit_name__ == "label_reference" else clause
    if getattr(ordered, "modifier", None) is operators.asc_op:
        ordered = ordered.element
    ordered = ordered.element if isinstance(ordered, Label) else ordered
    return isinstance(ordered, Column) and not _has_no_nulls(ordered)


def _has_no_nulls(element: Any) -> bool:
    """Whether this is a column that cannot be NULL: it is left in plain order, which its index has."""
    return isinstance(element, Column) and not element.nullable
