"""What a tool answers whose libraries are not installed: the core runs without them."""

from collections.abc import Iterator
from contextlib import contextmanager

from backend.core.errors import RequestRefusedError


@contextmanager
def needs_extra(tool: str) -> Iterator[None]:
    """Around the import of libraries of the extra `assistant`: refuses with 503 and says how to install them."""
    try:
        yield
    except ImportError as error:
        missing = error.name or "libraries"
        raise RequestRefusedError(
            503, f"{tool} needs {missing}, which is not installed: pip install 'cutover[assistant]'"
        ) from error
