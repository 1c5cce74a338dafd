"""`make letters ARGS="list"`: dead letters, with the environment and the key of `make run`."""

from __future__ import annotations

import os
import sys

from bot.model import ROOT
from scripts.environment import environment


def main() -> None:
    """Become `python -m bot letters` with the given arguments."""
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "bot", "letters", *sys.argv[1:]], environment())


if __name__ == "__main__":
    main()
