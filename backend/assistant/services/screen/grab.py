"""A program of its own: writes a PNG of the whole screen to stdout, or says on stderr why it can't.

Libraries of displays end the process that they fail in, or wait for ever; the server should do neither.
"""

import os
import sys


def main() -> int:
    """0 with a picture, 3 where the library is missing, 1 where the display gives none."""
    try:
        import mss
        from mss.exception import ScreenShotError
        from mss.tools import to_png
    except ImportError:
        return 3
    try:
        with mss.MSS() as screen:
            picture = screen.grab(screen.monitors[0])
            pixels = picture.rgb
    except (ScreenShotError, OSError) as error:
        sys.stderr.write(" ".join(str(error).split()))
        return 1
    if os.environ.get("WAYLAND_DISPLAY") and pixels == pixels[:3] * (len(pixels) // 3):
        # That is all that programs of X11 get to see of it.
        sys.stderr.write("Wayland shows an empty screen to other programs")
        return 1
    sys.stdout.buffer.write(to_png(pixels, picture.size) or b"")
    return 0


if __name__ == "__main__":
    sys.exit(main())
