"""`python -m accounts <command>`: what an operator does with Chartline's own state."""

from __future__ import annotations

import argparse
import sys

from accounts import access_command, migrate_command, rotation_command, unlink_command
from accounts.errors import AccountsError

# Each adds a parser whose default `run` does the work.
COMMANDS = (access_command, migrate_command, rotation_command, unlink_command)


def main() -> int:
    """Run a command. Its exit status; 1 with one line where a setting or the database is wrong."""
    parser = argparse.ArgumentParser(prog="python -m accounts", description="Chartline's own state.")
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        command.add_parser(commands)
    args = parser.parse_args()
    try:
        return int(args.run(args))
    except AccountsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    sys.exit(main())
