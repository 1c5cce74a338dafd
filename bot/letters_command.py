"""`python -m bot letters`: what was given up after too many tries, and what an operator does about it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from accounts.db import transaction
from accounts.service import Accounts, bootstrap
from bot.delivery import letters
from bot.delivery.letters import Letter, LetterError

_HEAD = ("ID", "CHANNEL", "WHEN (UTC)", "AGE", "TRIES", "ERROR", "CONVERSATION")


def main(arguments: list[str], accounts: Accounts | None = None) -> int:
    """Run one command; its exit status. Raises `AccountsError` where a setting or the database is wrong."""
    args = _parser().parse_args(arguments)
    accounts = accounts or bootstrap()
    try:
        with transaction(accounts.engine) as session:
            found = _DO[args.command](session, accounts, getattr(args, "id", ""))
    except LetterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OperationalError as error:
        sys.stderr.write(f"The database did not let us in time ({type(error.orig).__name__}): try again\n")
        return 1
    _print(found, accounts.clock())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot letters", description="Messages that were given up. What they say is never shown."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|show|retry|drop")
    commands.add_parser("list", help="all of them, the oldest first")
    for name, what in (
        ("show", "one of them"),
        ("retry", "put it back in its conversation's order, with all its tries"),
        ("drop", "give it up for good"),
    ):
        commands.add_parser(name, help=what).add_argument("id", help="such as inbox-12 or outbox-7")
    return parser


_DO: dict[str, Callable[[Session, Accounts, str], list[Letter]]] = {
    "list": lambda session, _accounts, _name: letters.dead(session),
    "show": lambda session, _accounts, name: [letters.show(session, name)],
    "retry": lambda session, accounts, name: [letters.retry(session, accounts, name)],
    "drop": lambda session, _accounts, name: [letters.drop(session, name)],
}


def _print(found: list[Letter], now: datetime) -> None:
    rows = [_HEAD, *(_cells(letter, now) for letter in found)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    for row in rows if found else []:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")
    if not found:
        sys.stdout.write("No dead letters.\n")


def _cells(letter: Letter, now: datetime) -> tuple[str, ...]:
    at = letter.at.isoformat(sep=" ", timespec="seconds")
    rest = (str(letter.tries), letter.error or "-", letter.conversation)
    return (letter.name, letter.channel, at, _age(int((now - letter.at).total_seconds())), *rest)


def _age(seconds: int) -> str:
    """The two largest units, such as `2d 4h`."""
    units = (("d", seconds // 86400), ("h", seconds // 3600 % 24), ("m", seconds // 60 % 60), ("s", seconds % 60))
    first = next((i for i, (_, number) in enumerate(units) if number), len(units) - 1)
    return " ".join(f"{number}{unit}" for unit, number in units[first : first + 2])
