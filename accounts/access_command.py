"""`python -m accounts access-log`: check the chain, or give it out as FHIR."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from typing import Any

from accounts import access_export, access_log
from accounts.access_log import START, Head
from accounts.service import bootstrap


def add_parser(commands: Any) -> None:
    """Add the command to the subparsers of `python -m accounts`."""
    parser = commands.add_parser("access-log", help="who looked into which chart through the assistant")
    parts = parser.add_subparsers(required=True, metavar="verify|export")
    check = parts.add_parser("verify", help="check that nothing was changed, removed or put in")
    check.add_argument(
        "--head", type=Head.parse, default=START, metavar="SEQ:LINK", help="as printed earlier: must still be there"
    )
    check.set_defaults(run=_verify)
    give = parts.add_parser("export", help="AuditEvents of FHIR R4, one a line, on standard output")
    give.add_argument("--patient", metavar="ID", help="of this Patient alone")
    give.add_argument("--since", type=_moment, metavar="DATE", help="from this day or time on (ISO 8601, UTC)")
    give.set_defaults(run=_export)


def _verify(args: argparse.Namespace) -> int:
    accounts = bootstrap()
    report = access_log.verify(accounts.engine, accounts.vault, args.head)
    for fault in report.faults:
        sys.stdout.write(f"entry {fault.seq}: {fault.what}\n")
    sys.stdout.write(f"{'FAULTY' if report.faults else 'ok'}: {report.head.seq} entries\n")
    sys.stdout.write(f"head {report.head}\n")
    return 1 if report.faults else 0


def _export(args: argparse.Namespace) -> int:
    accounts = bootstrap()
    for entry in access_log.entries(accounts.engine, accounts.vault, args.patient, args.since):
        for event in access_export.audit_events(entry):
            sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")
    return 0


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found.astimezone(timezone.utc).replace(tzinfo=None) if found.tzinfo else found
