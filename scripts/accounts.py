"""`make accounts ARGS="rotate-keys"`: an operator's command, with the environment and the key of `make run`."""

from __future__ import annotations

import os
import sys

from bot.model import ROOT
from scripts.environment import environment


def main() -> None:
    """Become `python -m accounts` with the given arguments."""
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "accounts", *sys.argv[1:]], environment())


if __name__ == "__main__":
    main()
