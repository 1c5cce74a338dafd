"""`python -m accounts rotate-keys`: seal everything anew with the current key."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from accounts.rotation import rotate
from accounts.service import bootstrap


def add_parser(commands: Any) -> None:
    """Add the command to the subparsers of `python -m accounts`."""
    parser = commands.add_parser(
        "rotate-keys",
        help="seal everything anew with CHARTLINE_SECRET_KEY; afterwards CHARTLINE_SECRET_KEYS_OLD may go",
        description="Runs beside the assistant, and goes on where it stopped when it is started again.",
    )
    parser.set_defaults(run=_rotate)


def _rotate(_args: argparse.Namespace) -> int:
    accounts = bootstrap()
    total = rotate(accounts.engine, accounts.vault, lambda name, count: _say(f"{name}: {count}"))
    _say(f"{total} values were sealed anew. CHARTLINE_SECRET_KEYS_OLD is no longer needed.")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
