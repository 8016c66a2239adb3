"""Signs of trouble in a text: words that programs use when something went wrong."""

from typing import Any

SEVERITIES = ("none", "medium", "high", "critical")
#: The words, and how bad it is where they stand.
PATTERNS = {
    "error": "medium",
    "exception": "high",
    "failed": "high",
    "crash": "critical",
    "abort": "high",
    "segmentation fault": "critical",
    "access violation": "critical",
    "stack overflow": "critical",
    "null pointer": "high",
    "memory error": "high",
    "timeout": "medium",
    "connection failed": "medium",
}


def find_errors(text: str) -> dict[str, Any]:
    """Each pattern in each line, with the line's number from 1, and how bad the worst of them is."""
    errors: list[dict[str, Any]] = [
        {"pattern": pattern, "line": line, "line_number": number}
        for number, line in enumerate(text.splitlines(), start=1)
        for pattern in PATTERNS
        if pattern in line.lower()
    ]
    worst = max((SEVERITIES.index(PATTERNS[found["pattern"]]) for found in errors), default=0)
    return {
        "has_errors": bool(errors),
        "error_count": len(errors),
        "errors": errors,
        "severity": SEVERITIES[worst],
    }
