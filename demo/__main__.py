"""``python -m demo [DOMAIN]``: what Cutover does for a domain, on recorded traffic, from start to end."""

from __future__ import annotations

import sys

from demo import assistant, spot

_DEMOS = {"spot": spot.main, "assistant": assistant.main}


def main(domain: str) -> int:
    """Run the demo of ``domain``; answers its exit status: 0 where all went as it should."""
    demo = _DEMOS.get(domain)
    if demo is None:
        print(f"There is no demo of {domain!r}; there are those of {', '.join(_DEMOS)}.", file=sys.stderr)
        return 2
    return demo()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "spot"))
