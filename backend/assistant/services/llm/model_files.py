"""The model files of this machine: which there are, and which a caller may name."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend.assistant.services.llm.gguf import ModelShape, NotGgufError, read_shape
from backend.assistant.services.llm.refusals import LlmRefusedError

SUFFIX = ".gguf"
MOST_LISTED = 1000
UNITS = ("B", "KB", "MB", "GB", "TB")


@dataclass(frozen=True)
class ModelFile:
    """A file that holds a model. `size` is in bytes; `shape` is None where nobody has looked into it yet."""

    path: Path
    size: int
    shape: ModelShape | None = None

    @property
    def name(self) -> str:
        """The file's name, by which callers know the model."""
        return self.path.name


def list_models(directories: Iterable[Path]) -> list[ModelFile]:
    """The files directly in `directories` that are called like models, by name; at most MOST_LISTED."""
    found: list[ModelFile] = []
    for directory in directories:
        with suppress(OSError):
            paths = sorted(path for path in directory.iterdir() if path.suffix == SUFFIX and path.is_file())
            found += [ModelFile(path, path.stat().st_size) for path in paths[: MOST_LISTED - len(found)]]
    return sorted(found, key=lambda model: model.name)


def find_model(text: str, directories: Sequence[Path]) -> ModelFile:
    """The model that a caller names by its path, absolute or from one of `directories`.

    Raises LlmRefusedError: 403 for any path outside `directories`, links followed, whether or not there is a file;
    404 where there is none; 400 where it is no model.
    """
    inside = [path for directory in directories if (path := _inside(text, directory)) is not None]
    if not inside:
        raise LlmRefusedError(
            403, "Only files in the models directory can be loaded; put the file there with: cutover models pull FILE"
        )
    path = next((path for path in inside if _is_file(path)), None)
    if path is None:
        raise LlmRefusedError(404, "There is no such file in the models directory")
    try:
        return ModelFile(path, path.stat().st_size, read_shape(path))
    except NotGgufError as error:
        raise LlmRefusedError(400, f"{error}: {path.name}") from error
    except OSError as error:
        raise LlmRefusedError(400, f"The file can't be read: {path.name}") from error


def size_in_words(size: float) -> str:
    """A size such as `34.0 B` or `93.8 MB`, in steps of 1024."""
    for unit in UNITS[:-1]:
        if size < 1024:
            return f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {UNITS[-1]}"


def _inside(text: str, directory: Path) -> Path | None:
    try:
        root = directory.resolve()
        path = (root / text).resolve()
    except (OSError, ValueError, RuntimeError):
        return None
    return path if path != root and path.is_relative_to(root) else None


def _is_file(path: Path) -> bool:
    """Whether there is a file; no file system knows one whose name is longer than names may be."""
    try:
        return path.is_file()
    except OSError:
        return False
