"""What a statement says: its text for each database, and the column that each placeholder goes to.

Statements are written once. ``%s`` is a placeholder, ``%%`` a percent sign, ``NOW()`` the time of the database in
UTC and ``FOLD(x)`` a text without case, accents and padding. This is no SQL parser: it reads the tokens of the
plain statements a monolith holds, and where it does not understand one it names no column.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<name>`[^`]+`|[A-Za-z_]\w*)
      | (?P<mark>%s)
      | (?P<percent>%%)
      | (?P<symbol><=|>=|<>|!=|.)""",
    re.X | re.S,
)
_COMPARISONS = ("=", "<", ">", "<=", ">=", "<>", "!=")
_CLAUSES = {
    "SELECT": "SELECT",
    "INTO": "INSERT INTO",
    "VALUES": "VALUES",
    "SET": "SET",
    "ON": "ON",
    "WHERE": "WHERE",
    "GROUP": "GROUP BY",
    "HAVING": "HAVING",
    "ORDER": "ORDER BY",
    "LIMIT": "LIMIT",
    "OFFSET": "LIMIT",
}
_DEFAULTING = ("COALESCE", "IFNULL")


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int

    @property
    def word(self) -> str:
        """The name in capitals, without backticks; empty for what is no name."""
        return self.text.strip("`").upper() if self.kind == "name" else ""


@dataclass(frozen=True)
class Placeholder:
    """Where one ``%s`` stands.

    ``assigned`` is the column that keeps the value as it is, ``compared`` a column that the value is only compared
    with or goes into through an expression. ``may_be_null`` marks a first argument of COALESCE or IFNULL, which
    may be NULL whatever the column says.
    """

    start: int
    assigned: str | None = None
    compared: str | None = None
    may_be_null: bool = False
    limit: bool = False


@dataclass(frozen=True)
class Statement:
    """One statement, read once. ``table`` is the one that an INSERT, UPDATE or DELETE changes."""

    text: str
    verb: str
    table: str | None
    tables: frozenset[str]
    columns: tuple[str, ...]
    placeholders: tuple[Placeholder, ...]
    has_limit: bool
    sqlite: str
    sqlite_without_parameters: str
    mysql: str
    tokens: tuple[Token, ...] = field(repr=False)

    @property
    def writes(self) -> bool:
        return self.verb in ("INSERT", "REPLACE", "UPDATE", "DELETE")

    def rest_after(self, start: int) -> str:
        return self.text[start + len("%s") :].rstrip()

    def line_of(self, start: int) -> int:
        return self.text.count("\n", 0, start) + 1

    def probe(self) -> tuple[str, int]:
        """For an UPDATE: SQLite's query for one of the rows it would change, and how many of the last parameters
        that query takes."""
        source, start = self._source(), self._start_of_where()
        return f"SELECT 1 FROM {_sqlite(source)} {_sqlite(self.text[start:])} LIMIT 1", self._placeholders_after(start)

    def texts_compared_at(self, placeholder: Placeholder) -> tuple[str, int]:
        """For an UPDATE: SQLite's query for the values of the column compared at a placeholder, in the rows
        that the other conditions leave, and how many of the last parameters that query takes."""
        start = self._start_of_where()
        if placeholder.start < start:
            return "SELECT NULL WHERE 0", 0
        mark = next(index for index, token in enumerate(self.tokens) if token.start == placeholder.start)
        first = mark - 4 if self.tokens[mark - 3].text == "." else mark - 2
        column = self.text[self.tokens[first].start : self.tokens[mark - 1].start]
        condition = self.text[placeholder.start :].replace("%s", "%s IS NOT NULL", 1)
        where = _sqlite(self.text[start : self.tokens[first].start] + condition)
        return f"SELECT {column} FROM {_sqlite(self._source())} {where}", self._placeholders_after(start)

    def _source(self) -> str:
        """The table that an UPDATE changes, with its alias."""
        verb = self.tokens[0]
        end = next(token.start for token in _outermost(self.tokens) if token.word == "SET")
        return self.text[verb.start + len(verb.text) : end]

    def _start_of_where(self) -> int:
        starts = (token.start for token in _outermost(self.tokens) if token.word == "WHERE")
        return next(starts, len(self.text))

    def _placeholders_after(self, start: int) -> int:
        return sum(placeholder.start > start for placeholder in self.placeholders)

    def clause_of(self, column: str) -> str:
        """The clause in which a column, written ``name`` or ``alias.name``, is first used, as MariaDB calls it."""
        wanted = [part.upper() for part in column.split(".")]
        words = [token.word or token.text for token in self.tokens]
        pattern = wanted[:1] if len(wanted) == 1 else [wanted[0], ".", wanted[-1]]
        stack = ["SELECT"]
        for index, token in enumerate(self.tokens):
            if words[index : index + len(pattern)] == pattern and words[index - 1] != ".":
                return stack[-1]
            if token.text == "(":
                stack.append(stack[-1])
            elif token.text == ")" and len(stack) > 1:
                stack.pop()
            elif token.word in _CLAUSES:
                stack[-1] = _CLAUSES[token.word]
        return "SELECT"


@lru_cache(maxsize=2048)
def read(text: str) -> Statement:
    """Read a statement; the same text is read once."""
    tokens = tuple(_tokens(text))
    words = [token.word for token in tokens]
    verb = words[0] if words else ""
    roles = _roles(tokens, verb)
    limits = _limits(tokens)
    return Statement(
        text=text,
        verb=verb,
        table=_changed_table(tokens, verb),
        tables=frozenset(word.lower() for word in words if word),
        columns=_insert_columns(tokens, verb),
        placeholders=tuple(
            roles.get(index, Placeholder(token.start)) if index not in limits else Placeholder(token.start, limit=True)
            for index, token in enumerate(tokens)
            if token.kind == "mark"
        ),
        has_limit=any(token.word == "LIMIT" for token in _outermost(tokens)),
        sqlite=_sqlite(text),
        sqlite_without_parameters=_sqlite(text, mark="NULL"),
        mysql=_mysql(text),
        tokens=tokens,
    )


def _tokens(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup and match.lastgroup != "space":
            yield Token(match.lastgroup, match[0], match.start())


def _sqlite(text: str, mark: str = "?") -> str:
    """``?`` for ``%s``, or NULL where no parameter may stand, and texts in single quotes only: SQLite takes double
    quotes for names."""

    def translated(match: re.Match[str]) -> str:
        if match.lastgroup == "mark":
            return mark
        if match.lastgroup == "quoted":
            inner = match[0][1:-1].replace('""', '"').replace("'", "''")
            return f"'{inner}'".replace("%%", "%")
        return match[0].replace("%%", "%")

    return _TOKEN.sub(translated, text)


def _mysql(text: str) -> str:
    """Without the name FOLD, because the collation of the columns folds by itself, and with single percent signs,
    because the driver replaces nothing but ``%s``."""
    tokens = list(_tokens(text))
    result, end = [], 0
    for token, following in itertools.pairwise(tokens):
        if token.word == "FOLD" and following.text == "(":
            result.append(text[end : token.start])
            end = token.start + len(token.text)
    return ("".join(result) + text[end:]).replace("%%", "%")


def _outermost(tokens: tuple[Token, ...]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            yield token


def _changed_table(tokens: tuple[Token, ...], verb: str) -> str | None:
    before = {"INSERT": "INTO", "REPLACE": "INTO", "UPDATE": "UPDATE", "DELETE": "FROM"}.get(verb)
    for token, following in itertools.pairwise(tokens):
        if before and token.word == before and following.kind == "name":
            return following.text.strip("`")
    return None


def _insert_columns(tokens: tuple[Token, ...], verb: str) -> tuple[str, ...]:
    if verb not in ("INSERT", "REPLACE"):
        return ()
    words = [token.word for token in tokens]
    start = words.index("INTO") + 2 if "INTO" in words else len(tokens)
    if start >= len(tokens) or tokens[start].text != "(":
        return ()
    names = []
    for token in tokens[start + 1 :]:
        if token.text == ")":
            break
        if token.kind == "name":
            names.append(token.text.strip("`"))
    return tuple(names)


def _limits(tokens: tuple[Token, ...]) -> set[int]:
    return {
        index
        for index, token in enumerate(tokens)
        if token.kind == "mark" and tokens[index - 1].word in ("LIMIT", "OFFSET")
    }


def _roles(tokens: tuple[Token, ...], verb: str) -> dict[int, Placeholder]:
    """The column of each placeholder that has one, by the index of its token."""
    roles = _compared(tokens)
    if verb in ("INSERT", "REPLACE"):
        roles |= _assigned(tokens, _value_items(tokens, _insert_columns(tokens, verb)))
    roles |= _assigned(tokens, _set_items(tokens))
    return roles


def _compared(tokens: tuple[Token, ...]) -> dict[int, Placeholder]:
    return {
        index: Placeholder(token.start, compared=tokens[index - 2].text.strip("`"))
        for index, token in enumerate(tokens)
        if index >= 2
        and token.kind == "mark"
        and tokens[index - 1].text in _COMPARISONS
        and tokens[index - 2].kind == "name"
    }


def _assigned(tokens: tuple[Token, ...], items: list[tuple[str, int, int]]) -> dict[int, Placeholder]:
    """Placeholders inside the items ``(column, first token, end)`` of VALUES or SET."""
    roles: dict[int, Placeholder] = {}
    for column, first, end in items:
        defaulting = tokens[first].word in _DEFAULTING
        for index in range(first, end):
            if tokens[index].kind != "mark":
                continue
            alone = end - first == 1
            argument = defaulting and index == first + 2 and tokens[index + 1].text == ","
            roles[index] = Placeholder(
                tokens[index].start,
                assigned=column if alone or argument else None,
                compared=None if alone or argument else column,
                may_be_null=argument,
            )
    return roles


def _items(tokens: tuple[Token, ...], first: int, ends: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """The comma-separated items from a token on, each with its end, up to a word or a closing bracket."""
    depth, start = 0, first
    for index in range(first, len(tokens)):
        token = tokens[index]
        if depth == 0 and (token.text in (",", ")", ";") or token.word in ends):
            if start < index:
                yield start, index
            if token.text != ",":
                return
            start = index + 1
        depth += (token.text == "(") - (token.text == ")")
    if start < len(tokens):
        yield start, len(tokens)


def _value_items(tokens: tuple[Token, ...], columns: tuple[str, ...]) -> list[tuple[str, int, int]]:
    items: list[tuple[str, int, int]] = []
    for index, token in enumerate(tokens[:-1]):
        if token.word == "VALUES" and tokens[index + 1].text == "(" and not items:
            spans = _items(tokens, index + 2, ())
            items = [(column, *span) for column, span in zip(columns, spans, strict=False)]
    return items


def _set_items(tokens: tuple[Token, ...]) -> list[tuple[str, int, int]]:
    """Items of ``SET`` or of ``ON DUPLICATE KEY UPDATE``, written ``column = expression``."""
    items = []
    for index, token in enumerate(tokens):
        if token.word == "SET" or (token.word == "UPDATE" and index >= 1 and tokens[index - 1].word == "KEY"):
            for first, end in _items(tokens, index + 1, ("WHERE", "ORDER", "LIMIT", "RETURNING")):
                equals = next((at for at in range(first, end) if tokens[at].text == "="), None)
                if equals is not None and equals + 1 < end:
                    items.append((tokens[equals - 1].text.strip("`"), equals + 1, end))
    return items
