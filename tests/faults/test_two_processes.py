"""Two processes of the assistant on one PostgreSQL; one is killed in the middle of a load: none lost, none twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from bot.delivery.tables import DONE, SENT, Inbox, Outbox
from tests.databases import postgres
from tests.faults.site import SOAK, Sent, Site, actions, free_port, until
from tests.system import Phone

PEOPLE, EACH = (30, 20) if SOAK else (6, 4)
SAYING = ("help", "what medicines am I on", "show my labs", "thank you")


@pytest.fixture
def pair(opened_site: Site, tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    """The same clinic, seen through either of its processes."""
    first = opened_site
    with postgres() as url:
        more = {"CHARTLINE_DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg2://")}
        with actions(tmp_path, first.portal, first.twilio.url, first.telegram.url, **more) as env:
            one = replace(first, folder=tmp_path, env=env, pids={})
            two = replace(one, env={**env, "CHARTLINE_BOT_PORT": str(free_port())})
            try:
                for site in (one, two):
                    site.start()
                yield one, two
            finally:
                for site in (one, two):
                    if site.alive():
                        site.kill()
                    site.accounts.engine.dispose()


@pytest.mark.timeout(1800)
def test_a_process_dies_in_the_middle_of_a_load(pair: tuple[Site, Site]) -> None:
    one, two = pair
    numbers = [f"+120255502{number:02d}" for number in range(PEOPLE)]
    for number in numbers:
        one.signed_in(number)
    seen = len(one.twilio.calls)
    with ThreadPoolExecutor(PEOPLE) as pool:
        talks = [pool.submit(talk, pair, number) for number in numbers]
        until(lambda: len(one.twilio.calls) - seen >= PEOPLE * EACH // 3, "the load does not begin")
        one.kill()
        assert [talk.result() for talk in talks] == [EACH] * PEOPLE
    two.settled()
    check(two, numbers, seen)


def talk(pair: tuple[Site, Site], number: str) -> int:
    """One person's messages, sent to one process and then to the other until acknowledged; how many were."""
    acknowledged = 0
    for turn in range(EACH):
        sent = [Sent(Phone(site, number), SAYING[turn % len(SAYING)]) for site in pair]
        sent[1].body = sent[0].body
        attempts = iter(range(1200))
        until(lambda: sent[(turn + next(attempts)) % 2].acknowledged(), "nobody acknowledges")  # noqa: B023
        acknowledged += 1
    return acknowledged


def check(site: Site, numbers: list[str], seen: int) -> None:
    """Each message has one turn that counts and one answer; the answers were sent in order; what was sent twice."""
    inbox, outbox = site.stored(Inbox), site.stored(Outbox)
    assert Counter(row.state for row in inbox) == {DONE: PEOPLE * EACH}
    assert {row.state for row in outbox} == {SENT}
    answers = Counter(row.inbox_id for row in outbox)
    assert answers == {row.id: 1 for row in inbox}
    vault, doubled = site.accounts.vault, 0
    for number in numbers:
        mine = [row for row in outbox if row.conversation == site.key("sms", number)]
        expected = [vault.open(row.sealed, f"outbox.sealed:{row.id}")["body"] for row in mine]
        received = Phone(site, number).received(seen)
        again = sum(row.tries - 1 for row in mine)  # in the hand of the process that died
        assert len(expected) <= len(received) <= len(expected) + again
        assert without_repeats(received) == without_repeats(expected)
        doubled += len(received) - len(expected)
    taken_over = sum(row.tries > 1 for row in inbox)
    figures = {"messages": len(inbox), "turns taken over": taken_over, "sent twice": doubled}
    (site.folder / "load.json").write_text(json.dumps(figures))


def without_repeats(texts: list[str]) -> list[str]:
    """Of equal texts in a row only one."""
    return [text for text, before in zip(texts, [None, *texts], strict=False) if text != before]
