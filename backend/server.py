"""The desktop's server: ``python backend/server.py --port 8756``, from any directory, installed or not."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def _find_packages() -> None:
    """Let this process and those that it starts find `backend` as a package, not what lies in it as packages."""
    root = str(HERE.parent)
    sys.path[:] = [root, *(path for path in sys.path if Path(path).resolve() != HERE)]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))


if __name__ == "__main__":
    _find_packages()
    from backend.assistant.desktop import main

    sys.exit(main())
