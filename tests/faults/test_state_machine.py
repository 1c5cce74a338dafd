"""Inbox, worker and outbox of two processes, in any order of steps, faults and deaths: nothing lost, nothing twice.

A step is what a worker does with one thing it leased. Between any two steps a process can die, stand still while its
leases run out, or come back late; within a step it can die at each point where something was just made durable or not.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from accounts.db import make_engine
from accounts.service import Accounts
from bot.channels.errors import DeliveryError, Retryable
from bot.delivery import inbox, offers, outbox
from bot.delivery.tables import DEAD, DONE, SENT, Inbox, Outbox
from tests.databases import Clock, make_accounts
from tests.delivery.desk import Desk
from tests.faults.site import SOAK

PEOPLE = ("+12025550171", "+12025550172", "+12025550173")
APOLOGY = "Sorry, that broke."
BEFORE, WITHIN, AFTER = "before", "within", "after"
DEATHS = (None, None, None, BEFORE, WITHIN, AFTER)


class Died(BaseException):
    """The process is gone: nothing of its code runs any more."""


@cache
def template() -> Accounts:
    """On an empty database with its schema: to make one takes longer than a whole example."""
    return make_accounts(f"sqlite:///{Path(tempfile.mkdtemp()) / 'empty.db'}")


class Process:
    """One process of the assistant: what it has leased, and at which point it is to die."""

    def __init__(self, accounts: Accounts, clock: Clock, effects: Counter[str]) -> None:
        self.accounts, self.clock, self.effects = accounts, clock, effects
        self.begin()

    def begin(self) -> None:
        """Start anew: what it had in hand is in nobody's memory."""
        self.desk = Desk(self.accounts, self.clock)
        self.desk.agent.answer = self._answer
        self.dies: str | None = None
        self.fails = False
        self.jobs: list[inbox.Job] = []
        self.parcels: list[outbox.Parcel] = []

    async def _answer(self, message: Any) -> list[dict[str, Any]]:
        self._die(BEFORE)
        self.effects[message.metadata["turn"]] |= 1  # what a portal does with a key that it knows
        if self.fails:
            raise OSError
        self._die(WITHIN)
        return [{"text": message.text}]

    def _die(self, point: str) -> None:
        if self.dies == point:
            raise Died


class Deliveries(RuleBasedStateMachine):
    """The rules are what happens; the invariants hold after each; the end is when nothing more goes wrong."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        made, file = template(), self.folder / "state.db"
        made.engine.dispose()
        shutil.copy(str(made.engine.url.database), file)
        self.loop = asyncio.new_event_loop()
        self.clock, self.effects = Clock(), Counter()
        self.accounts = Accounts(made.settings, make_engine(f"sqlite:///{file}"), made.vault, made.smart, self.clock)
        self.processes = [Process(self.accounts, self.clock, self.effects) for _ in range(2)]
        self.accepted: dict[str, list[str]] = defaultdict(list)  # of each person, in order
        self.sent: list[tuple[str, str]] = []
        self.maybe_again: set[tuple[str, str]] = set()  # a process died after the provider had it
        self.refused: set[tuple[str, str]] = set()  # for good
        self.last: tuple[str, str] | None = None

    @rule(who=st.sampled_from(PEOPLE), at=st.integers(0, 1), messages=st.integers(1, 3))
    def receive(self, who: str, at: int, messages: int) -> None:
        for _ in range(messages):
            text = f"message {sum(map(len, self.accepted.values()))}"
            assert self.run(self.processes[at].desk.put(text, who, message_id=text))
            self.accepted[who].append(text)
            self.last = (who, text)

    @precondition(lambda self: self.last)
    @rule(at=st.integers(0, 1))
    def receive_again(self, at: int) -> None:
        who, text = self.last or ("", "")
        assert not self.run(self.processes[at].desk.put(text, who, message_id=text))

    @rule(at=st.integers(0, 1), limit=st.integers(1, 3))
    def lease_jobs(self, at: int, limit: int) -> None:
        process = self.processes[at]
        process.jobs += self.run(process.desk.delivery._lease_jobs(limit))

    @precondition(lambda self: any(process.jobs for process in self.processes))
    @rule(dies=st.sampled_from(DEATHS), fails=st.booleans(), data=st.data())
    def answer(self, dies: str | None, fails: bool, data: st.DataObject) -> None:
        process = data.draw(st.sampled_from([p for p in self.processes if p.jobs]))
        process.dies, process.fails = dies, fails
        job = process.jobs.pop(data.draw(st.integers(0, len(process.jobs) - 1)))
        with pytest.MonkeyPatch.context() as patch:
            if dies == AFTER:  # all rows are written, and not committed
                patch.setattr(offers, "replace", self.dying)
            self.step(process, process.desk.delivery._answer(job))

    @rule(at=st.integers(0, 1))
    def answer_what_is_due(self, at: int) -> None:
        """Nothing goes wrong for a while."""
        process = self.processes[at]
        process.dies, process.fails = None, False
        while jobs := self.run(process.desk.delivery._lease_jobs(3)):
            for job in jobs:
                self.run(process.desk.delivery._answer(job))

    @precondition(lambda self: any(process.jobs or process.parcels for process in self.processes))
    @rule()
    def stand_still(self) -> None:
        """Longer than a lease, so that the other process takes over what this one has in hand, and then go on."""
        at = 0 if self.processes[0].jobs or self.processes[0].parcels else 1
        late = self.processes[at]
        self.clock.forward(21)
        self.answer_what_is_due(1 - at)
        self.send_what_is_due(self.processes[1 - at])
        late.dies, late.fails, late.desk.sender.send = None, False, self.send  # type: ignore[method-assign]
        for job in late.jobs:
            self.run(late.desk.delivery._answer(job))
        for parcel in late.parcels:
            self.run(late.desk.delivery._hand_over(parcel))
        late.jobs, late.parcels = [], []

    def send_what_is_due(self, process: Process) -> None:
        process.desk.sender.send = self.send  # type: ignore[method-assign]
        while parcels := self.run(process.desk.delivery._lease_parcels(3)):
            for parcel in parcels:
                self.run(process.desk.delivery._hand_over(parcel))

    async def send(self, address: str, payload: dict[str, Any]) -> str:
        """A provider that takes what it is given."""
        self.sent.append((address, payload["body"]))
        return "SM1"

    @rule(at=st.integers(0, 1), limit=st.integers(1, 3))
    def lease_parcels(self, at: int, limit: int) -> None:
        process = self.processes[at]
        process.parcels += self.run(process.desk.delivery._lease_parcels(limit))

    @precondition(lambda self: any(process.parcels for process in self.processes))
    @rule(
        dies=st.sampled_from(DEATHS),
        error=st.sampled_from([None, None, None, Retryable("500"), Retryable("429", 5), DeliveryError("30006")]),
        data=st.data(),
    )
    def hand_over(self, dies: str | None, error: DeliveryError | None, data: st.DataObject) -> None:
        process = data.draw(st.sampled_from([p for p in self.processes if p.parcels]))
        parcel = process.parcels.pop(data.draw(st.integers(0, len(process.parcels) - 1)))
        what = (parcel.address, parcel.payload["body"])

        async def send(address: str, payload: dict[str, Any]) -> str:
            if dies == BEFORE:
                raise Died
            if error is not None:
                if not isinstance(error, Retryable) or parcel.tries >= outbox.MAX_TRIES:
                    self.refused.add(what)
                raise error
            self.sent.append((address, payload["body"]))
            if dies is not None:
                self.maybe_again.add(what)
            if dies == WITHIN:
                raise Died
            return "SM1"

        with pytest.MonkeyPatch.context() as patch:
            if dies == AFTER:
                patch.setattr(outbox, "sent", self.dying)
            patch.setattr(process.desk.sender, "send", send)
            self.step(process, process.desk.delivery._hand_over(parcel))

    @rule(seconds=st.sampled_from([1, 3, 19, 21, 40]))
    def time_passes(self, seconds: int) -> None:
        self.clock.forward(seconds)

    @rule(at=st.integers(0, 1))
    def die(self, at: int) -> None:
        self.processes[at].begin()

    @invariant()
    def nothing_is_sent_twice_or_out_of_order(self) -> None:
        for who, texts in self.accepted.items():
            got = [body for address, body in self.sent if address == who]
            assert {body for body, times in Counter(got).items() if times > 1 and body != APOLOGY} <= {
                body for address, body in self.maybe_again if address == who
            }
            first = [body for body in dict.fromkeys(got) if body != APOLOGY]
            assert first == [text for text in texts if text in first]

    def teardown(self) -> None:
        """Nothing goes wrong any more: everything is worked off."""
        if not hasattr(self, "loop"):
            return
        try:
            self.die(0)
            self.die(1)
            self.work_off()
            self.nothing_is_sent_twice_or_out_of_order()
            self.each_message_has_its_answer()
        finally:
            self.accounts.engine.dispose()
            self.loop.close()
            shutil.rmtree(self.folder)

    def work_off(self) -> None:
        for _ in range(30):  # of a quarter of an hour, which is the longest wait between two tries
            self.answer_what_is_due(0)
            self.send_what_is_due(self.processes[0])
            self.clock.forward(outbox.LONGEST_WAIT)

    def each_message_has_its_answer(self) -> None:
        desk = self.processes[0].desk
        vault, messages, replies = desk.accounts.vault, desk.rows(Inbox), desk.rows(Outbox)
        assert len(messages) == sum(map(len, self.accepted.values()))
        answers = {row.inbox_id: row for row in replies}
        assert len(answers) == len(replies) == len(messages), "one answer each"
        for row in messages:
            assert row.state in (DONE, DEAD)
            body = vault.open(answers[row.id].sealed, f"outbox.sealed:{answers[row.id].id}")["body"]
            assert body == (row.message_id if row.state == DONE else APOLOGY)
            assert self.effects[f"inbox-{row.id}"] == 1 or row.state == DEAD
        for row in replies:
            assert row.state in (SENT, DEAD)
        told = {(address, body) for address, body in self.sent}
        for who, texts in self.accepted.items():
            done = {row.message_id for row in messages if row.state == DONE}
            assert all((who, text) in told | self.refused for text in texts if text in done)

    def step(self, process: Process, work: Any) -> None:
        try:
            self.run(work)
        except Died:
            process.begin()

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def dying(self, *_args: Any, **_kwargs: Any) -> None:
        raise Died


Deliveries.TestCase.settings = settings(
    max_examples=500 if SOAK else 20,
    stateful_step_count=50 if SOAK else 40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestDeliveries = pytest.mark.timeout(1800)(Deliveries.TestCase)
