"""`make rasa ARGS="shell"`: any of Rasa's own commands, with the environment that its files refer to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bot.model import ROOT
from scripts.environment import environment


def main() -> None:
    """Become `rasa` with the given arguments."""
    os.chdir(ROOT)
    rasa = str(Path(sys.executable).parent / "rasa")
    os.execve(rasa, [rasa, *sys.argv[1:]], environment())


if __name__ == "__main__":
    main()
