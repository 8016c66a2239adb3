"""What a capture shows."""

import time
from pathlib import Path
from statistics import fmean
from typing import Any

from backend.assistant.services.screen import captures
from backend.assistant.services.screen.errors_shown import find_errors
from backend.assistant.services.screen.reading import UnreadableError, Word, lines, read
from backend.assistant.settings.screen import ScreenSettings

#: Buttons and windows would have to be recognised; no part of this system does.
NO_UI_ANALYSIS = {
    "success": False,
    "message": "OpenCV not available for UI analysis",
    "buttons_detected": 0,
    "windows_detected": 0,
    "ui_elements": [],
}


def analyze(settings: ScreenSettings, wanted: str | None) -> dict[str, Any]:
    """Read a capture: the one of that name or path, the newest, or where there is none a fresh one.

    Raises NoCaptureError and ScreenUnavailableError. Where nothing can be read, `ocr` says why.
    """
    path = captures.find(settings, wanted) or captures.capture(settings).path
    words: list[Word] = []
    try:
        words = read(path, settings.ocr_seconds)
        ocr = _read(words)
    except UnreadableError as error:
        ocr = {"success": False, "message": str(error)} | _read([], success=False)
    return _described(path, ocr, words)


def _read(words: list[Word], *, success: bool = True) -> dict[str, Any]:
    return {
        "success": success,
        "text": "\n".join(line["text"] for line in lines(words)),
        "word_count": len(words),
        "confidence": round(fmean(word.confidence for word in words), 2) if words else 0.0,
        "detected_words": [word.shown for word in words],
    }


def _described(path: Path, ocr: dict[str, Any], words: list[Word]) -> dict[str, Any]:
    errors = find_errors(ocr["text"])
    return {
        "analysis": _in_words(ocr, errors),
        "elements": lines(words),
        "text_content": ocr["text"],
        "status": "analyzed" if ocr["success"] else "not_read",
        "image_path": str(path),
        "timestamp": time.time(),
        "ocr": ocr,
        "error_detection": errors,
        "ui_analysis": NO_UI_ANALYSIS,
    }


def _in_words(ocr: dict[str, Any], errors: dict[str, Any]) -> str:
    if not ocr["success"]:
        return f"The capture was not read: {ocr['message']}."
    signs = f"{errors['error_count']} signs of errors ({errors['severity']})" if errors["has_errors"] else "no errors"
    return f"{ocr['word_count']} words, {signs}."
