"""`python -m accounts migrate`: bring the database to this program's schema, before anything is served."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from accounts.service import bootstrap


def add_parser(commands: Any) -> None:
    """Add the command to the subparsers of `python -m accounts`."""
    parser = commands.add_parser(
        "migrate",
        help="bring the database to this program's schema, and check that CHARTLINE_SECRET_KEY opens it",
        description="The assistant and the action server do the same at their start. Several may run at once.",
    )
    parser.set_defaults(run=_migrate)


def _migrate(_args: argparse.Namespace) -> int:
    bootstrap()
    sys.stdout.write("The database is up to date.\n")
    return 0
