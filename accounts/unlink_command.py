"""`python -m accounts unlink`: addresses that were reported as another person's, such as by the FCC's
Reassigned Numbers Database (https://www.reassigned.us)."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from accounts import conversations
from accounts.db import transaction
from accounts.errors import SettingsError
from accounts.service import Accounts, bootstrap

SMS = "sms"
REASSIGNED = "reassigned"


class Count(NamedTuple):
    """What became of the lines of a file."""

    read: int
    unlinked: int
    unreadable: int


def add_parser(commands: Any) -> None:
    """Add the command to the subparsers of `python -m accounts`."""
    parser = commands.add_parser(
        "unlink",
        help="forget whose addresses these were, and end their sign-ins: they were reported as another person's",
        description="Prints counts only. What was still to be sent there is dropped before it is sent.",
    )
    parser.add_argument("--channel", choices=(SMS, "telegram"), default=SMS)
    parser.add_argument("file", type=Path, help="one number a line (E.164, or ten digits of North America) or chat id")
    parser.set_defaults(run=_run)


async def unlink(accounts: Accounts, channel: str, lines: Iterable[str]) -> Count:
    """Unlink each address that there is a conversation with."""
    read = unlinked = unreadable = 0
    for line in filter(None, map(str.strip, lines)):
        read += 1
        address = _address(channel, line)
        unreadable += address is None
        if address is not None:
            unlinked += await _unlink(accounts, accounts.vault.conversation_key(channel, address))
    return Count(read, unlinked, unreadable)


async def _unlink(accounts: Accounts, conversation: str) -> bool:
    def known() -> bool:
        with transaction(accounts.engine) as session:
            return conversations.exists(session, conversation)

    if not await asyncio.to_thread(known):
        return False
    await accounts.unlink(conversation, REASSIGNED)
    return True


def _address(channel: str, line: str) -> str | None:
    """As the channel writes it; None where it cannot be one."""
    if channel != SMS:
        return line if re.fullmatch(r"\d{1,20}", line) else None
    number = re.sub(r"[\s().-]", "", line)
    if re.fullmatch(r"1?[2-9]\d{9}", number):  # of the North American Numbering Plan, as that database writes them
        number = f"+1{number[-10:]}"
    return number if re.fullmatch(r"\+[1-9]\d{6,14}", number) else None


def _run(args: argparse.Namespace) -> int:
    try:
        lines = args.file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file cannot be read ({type(error).__name__})") from error
    count = asyncio.run(unlink(bootstrap(), args.channel, lines))
    sys.stdout.write(f"{count.read} lines, {count.unlinked} unlinked, {count.unreadable} not understood\n")
    return 0 if not count.unreadable else 1
