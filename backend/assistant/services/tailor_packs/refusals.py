"""How packs are refused: in the shape that the frontend reads."""

from backend.core.errors import RequestRefusedError


class PackRefusedError(RequestRefusedError):
    """Something about packs that is not carried out; `text` says why, and what to do."""

    def __init__(self, status_code: int, text: str) -> None:
        self.text = text
        super().__init__(status_code, success=False, error=text)


def unsound(text: str) -> PackRefusedError:
    """422: an archive that is not unpacked."""
    return PackRefusedError(422, f"This is no pack: {text}")


def not_found() -> PackRefusedError:
    """404: no pack of that id."""
    return PackRefusedError(404, "Pack not found")
