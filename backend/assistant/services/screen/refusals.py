"""Why there is no picture, or nothing to read in one."""

from backend.core.errors import RequestRefusedError


class ScreenUnavailableError(RequestRefusedError):
    """The screen can't be captured here; the text says why."""

    def __init__(self, why: str) -> None:
        self.text = f"Screen capture is not available: {why}"
        super().__init__(503, self.text)


class NoCaptureError(RequestRefusedError):
    """There is no capture of that name."""

    def __init__(self) -> None:
        super().__init__(404, "There is no such capture: name one that was made here, or none for the newest.")
