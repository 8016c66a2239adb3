"""Keeping secrets, and what callers sent, out of the logs."""

import functools
import re

HIDDEN = "***"
#: What is asked again and again is looked through once; longer paths are not kept, so that nobody fills the memory.
_LONGEST_REMEMBERED = 256

# Ids that are made of hexadecimal groups name things; they open nothing.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONG = re.compile(r"[A-Za-z0-9_.~+=%-]{20,}")
_PREFIXED = re.compile(r"\b(?:token|sk|pk|ghp|xox[abp])[-_][A-Za-z0-9_-]{6,}")
_AFTER_NAME = re.compile(
    r"(?i)\b(bearer|basic|authorization|[\w-]*(?:password|passwd|secret|token|api[_-]?key))\b(\s*[=:]\s*|\s+(?=\S*\d))"
    r"(?:bearer\s+|basic\s+)?[^\s,;&]+"
)
_QUERY = re.compile(r"(/[^\s?'\"]*)\?[^\s'\"]+")
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@]+@")
_PLACEHOLDER = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
_SECRET_NAMES = re.compile(r"(?i)token|secret|password|passwd|api_?key|credential|signature|code")

# Databases quote values without escaping what is in them.
_DATABASE_VALUES = (
    (re.compile(r"(Duplicate entry ').*(' for key)", re.DOTALL), rf"\1{HIDDEN}\2"),
    (re.compile(r"(value: ').*(' for (?:column|function))", re.DOTALL), rf"\1{HIDDEN}\2"),
    (re.compile(r"(\(\w[\w, ]*\)=\().*(\) (?:already exists|is not present|is still))", re.DOTALL), rf"\1{HIDDEN}\2"),
    (re.compile(r"(Failing row contains \().*", re.DOTALL), rf"\1{HIDDEN})"),
    (re.compile(r"(check the manual .* near ').*(' at line)", re.DOTALL), rf"\1{HIDDEN}\2"),
)
# What follows these words, or comes before them, is the name of a thing of ours, not something that was sent.
_NAME_FOLLOWS = re.compile(
    r"(?:column|key|table|field|constraint|attribute|module|argument|database|relation|object|named|type|encoding|"
    r"in|codec|KeyError:|CONSTRAINT)s? ?$",
    re.IGNORECASE,
)
_PLACE = re.compile(r"field list|[a-z]+ (?:clause|statement)")
_NAME_BEFORE = re.compile(r" ?(?:object|codec|and '|doesn't exist|is not defined|in ')")
_QUOTED = re.compile(r"(?<![\w\\])'(?:[^'\\\n]|\\.|(?<=\w)'(?=\w))*'(?!\w)|\"[^\"'\n]*\"")


def hide_values(text: str) -> str:
    """The text of an error without what was sent: what it quotes, unless that is the name of a column or the like."""
    for pattern, replacement in _DATABASE_VALUES:
        text = pattern.sub(replacement, text)
    return hide_tokens(_QUOTED.sub(functools.partial(_unless_a_name, text), text))


def hide_tokens(text: str) -> str:
    """`text` without queries, credentials and whatever looks like a token."""
    text = _CREDENTIALS.sub(f"{HIDDEN}@", _QUERY.sub(rf"\1?{HIDDEN}", text))
    text = _AFTER_NAME.sub(rf"\1\2{HIDDEN}", text)
    return _LONG.sub(_if_a_token, _PREFIXED.sub(HIDDEN, text))


def shown_path(path: str, route: str | None) -> str:
    """`path` without the values of placeholders of `route` that are called like secrets, and without tokens."""
    return _remembered(path, route) if len(path) <= _LONGEST_REMEMBERED else _shown_path(path, route)


def _shown_path(path: str, route: str | None) -> str:
    places = _secret_places(route) if route else ()
    if places:
        segments = path.split("/")
        for place in places:
            if place < len(segments):
                segments[place] = HIDDEN
        path = "/".join(segments)
    return _LONG.sub(_if_a_token, _PREFIXED.sub(HIDDEN, path))


_remembered = functools.lru_cache(maxsize=4096)(_shown_path)


def _unless_a_name(text: str, found: re.Match[str]) -> str:
    quoted = found[0]
    inside = quoted[1:-1]
    before, after = text[: found.start()], text[found.end() : found.end() + 20]
    if _PLACE.fullmatch(inside):
        return quoted
    is_word = inside.replace("_", "").replace(".", "").isalnum() and len(inside) <= 64
    is_name = is_word and (_NAME_FOLLOWS.search(before[-24:]) or _NAME_BEFORE.match(after))
    return quoted if is_name or inside == HIDDEN else f"{quoted[0]}{HIDDEN}{quoted[0]}"


def _if_a_token(found: re.Match[str]) -> str:
    """Long, and made of letters and digits, or of large and small letters in no order: nobody chose it as a name."""
    text = found[0]
    if _UUID.fullmatch(text):
        return text
    letters = any(map(str.isalpha, text))
    digits = sum(map(str.isdigit, text))
    return HIDDEN if letters and digits >= 2 else text


@functools.lru_cache(maxsize=1024)
def _secret_places(route: str) -> tuple[int, ...]:
    """Which segments of `route` hold secrets, counted as `split("/")` does."""
    return tuple(
        place
        for place, segment in enumerate(route.split("/"))
        if any(_SECRET_NAMES.search(name) for name in _PLACEHOLDER.findall(segment))
    )
