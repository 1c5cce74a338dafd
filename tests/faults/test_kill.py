"""`kill -9` at each step between the webhook and the receipt: answered, in order, and each refill exists once."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from bot.delivery.tables import DONE, Inbox, Outbox
from tests.faults.points import AMBIGUOUS, POINTS
from tests.faults.site import SOAK, Sent, Site, until
from tests.system import Phone

TIMES = int(os.environ.get("CHARTLINE_KILLS", 20 if SOAK else 1))  # at each point


@pytest.fixture(scope="module")
def phone(opened_site: Site) -> Phone:
    return opened_site.signed_in("+12025550143")


def killed(site: Site, point: str, message: Sent) -> bool:
    """Send a message while the assistant is to die at a point, start it again; whether it was acknowledged at once."""
    site.crash.write_text(point)
    acknowledged = message.acknowledged()
    until(lambda: not site.alive(), f"{point} is never reached")
    site.start()
    return acknowledged


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("point", POINTS)
def test_a_refill_survives_a_kill(site: Site, phone: Phone, point: str) -> None:
    figures: Counter[str] = Counter()
    for _ in range(TIMES):
        site.clear_requests()
        assert "Shall I send it?" in phone.say("refill my lisinopril")
        seen, answers = len(site.twilio.calls), len(site.stored(Outbox))
        yes, thanks = Sent(phone, "yes"), Sent(phone, "help")
        acknowledged = killed(site, point, yes)
        if not acknowledged:
            until(yes.acknowledged, "the provider gives up")
        until(thanks.acknowledged, "the provider gives up")
        site.settled()
        received = phone.received(seen)
        once = list(dict.fromkeys(received))
        figures["killed"] += 1
        figures["acknowledged before"] += acknowledged
        figures["doubled texts"] += len(received) - len(once)
        assert ["SENT: lisinopril" in text for text in once] == [True, False], received
        assert len(site.requests()) == 1
        assert site.requests()[0]["description"].split("Reference ")[1].rstrip(".") in once[0]
        assert len(site.stored(Outbox)) == answers + 2
        assert {row.state for row in site.stored(Inbox)} == {DONE}
        assert len(received) == len(once) or point in AMBIGUOUS
    note(site.folder, point, figures)


def note(folder: Path, point: str, figures: Counter[str]) -> None:
    """The figures of docs/reliability.md, a line a point."""
    with (folder / "kills.jsonl").open("a") as out:
        out.write(json.dumps({"point": point, **figures}) + "\n")
