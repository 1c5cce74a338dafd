"""Rasa's events are kept whole and sealed, and a turn is remembered if and only if it was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rasa.core.tracker_store import TrackerStore, check_if_tracker_store_async
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from accounts.db import transaction
from accounts.errors import StateError
from accounts.service import Accounts
from bot.delivery import inbox, outbox, tracker_store
from bot.delivery.service import Delivery
from bot.delivery.tables import DONE, Inbox, Outbox, TrackerEvents
from bot.delivery.tracker_store import EncryptedTrackerStore
from tests.databases import database_url, make_accounts
from tests.delivery.desk import Desk

__all__ = ["database_url"]

DOMAIN = Domain.from_yaml(
    """
    intents: [greet]
    slots:
      drug: {type: text, mappings: [{type: custom}]}
    """
)
SESSION = [SessionStarted(), ActionExecuted("action_listen")]


def said(words: str) -> list[Event]:
    return [UserUttered(words, intent={"name": "greet", "confidence": 0.9}), SlotSet("drug", words), BotUttered(words)]


def plain(events: Any) -> list[dict[str, Any]]:
    return [event.as_dict() for event in events]


def words_of(tracker: DialogueStateTracker | None) -> list[str]:
    """What the person wrote, as the tracker knows it."""
    return [event.text for event in tracker.events if isinstance(event, UserUttered)] if tracker else []


@pytest.fixture
def accounts(database_url: str) -> Iterator[Accounts]:
    accounts = make_accounts(database_url)
    yield accounts
    accounts.engine.dispose()


@pytest.fixture
def store(accounts: Accounts) -> EncryptedTrackerStore:
    return EncryptedTrackerStore(DOMAIN, accounts=accounts)


async def add(store: TrackerStore, events: list[Event], conversation: str = "c1") -> DialogueStateTracker:
    """A turn as Rasa takes it: fetched, updated, saved."""
    tracker = await store.get_or_create_tracker(conversation, append_action_listen=False)
    tracker.update_with_events(events, DOMAIN)
    await store.save(tracker)
    return tracker


def rows(accounts: Accounts) -> int:
    with transaction(accounts.engine) as session:
        return int(session.execute(text("SELECT count(*) FROM tracker_events")).scalar_one())


async def test_a_conversation_comes_back_as_it_was_saved(store: EncryptedTrackerStore) -> None:
    tracker = await add(store, [*SESSION, *said("lisinopril")])
    found = await store.retrieve("c1")
    assert found == tracker
    assert plain(found.events) == plain(tracker.events)
    assert found.get_slot("drug") == "lisinopril"
    assert await store.retrieve("c2") is None
    assert await store.exists("c1")
    assert not await store.exists("c2")


async def test_each_save_stores_what_is_new_and_nothing_twice(store: EncryptedTrackerStore, accounts: Accounts) -> None:
    tracker = await add(store, [*SESSION, *said("one")])
    await store.save(tracker)
    tracker.update_with_events(said("two"), DOMAIN)
    await store.save(tracker)
    await add(store, said("three"))
    assert rows(accounts) == 3
    assert [e.text for e in (await store.retrieve("c1")).events if isinstance(e, UserUttered)] == [
        "one",
        "two",
        "three",
    ]


async def test_the_next_turn_needs_the_last_session_and_all_of_it_is_kept(store: EncryptedTrackerStore) -> None:
    await add(store, [*SESSION, *said("old")])
    await add(store, [*said("still old"), *SESSION, *said("new")])
    tracker = await add(store, said("newer"))
    assert (words_of(tracker), type(tracker.events[0])) == (["new", "newer"], SessionStarted)
    assert words_of(await store.retrieve_full_tracker("c1")) == ["old", "still old", "new", "newer"]


async def test_saving_twice_over_a_session_start_stores_nothing_twice(store: EncryptedTrackerStore) -> None:
    """The tracker still holds the session before, which is no longer what `retrieve` gives."""
    await add(store, [*SESSION, *said("old")])
    tracker = await add(store, [*SESSION, *said("new")])
    tracker.update_with_events(said("newer"), DOMAIN)
    await store.save(tracker)
    assert words_of(await store.retrieve_full_tracker("c1")) == ["old", "new", "newer"]


async def test_a_tracker_made_elsewhere_adds_what_it_has_more(store: EncryptedTrackerStore) -> None:
    kept = await add(store, [*SESSION, *said("one")])
    tracker = DialogueStateTracker.from_events("c1", [*kept.events, *said("two")], DOMAIN.slots)
    await store.save(tracker)
    assert plain((await store.retrieve("c1")).events) == plain(tracker.events)


async def test_conversations_are_listed_and_forgotten_one_by_one(store: EncryptedTrackerStore) -> None:
    await add(store, SESSION, "c1")
    await add(store, SESSION, "c2")
    assert sorted(await store.keys()) == ["c1", "c2"]
    await store.delete("c1")
    assert list(await store.keys()) == ["c2"]
    assert await store.retrieve_full_tracker("c1") is None


async def test_events_moved_to_another_row_do_not_open(store: EncryptedTrackerStore, accounts: Accounts) -> None:
    await add(store, said("mine"), "c1")
    await add(store, said("hers"), "c2")
    with transaction(accounts.engine) as session:
        first, second = session.query(TrackerEvents).order_by(TrackerEvents.id)
        first.sealed = second.sealed
    with pytest.raises(StateError, match="changed or moved"):
        await store.retrieve("c1")
    assert await store.retrieve("c2") is not None


async def test_the_event_loop_does_not_wait_for_the_database(store: EncryptedTrackerStore, accounts: Accounts) -> None:
    threads: list[bool] = []

    def note(*_: Any) -> None:
        try:
            asyncio.get_running_loop()
            threads.append(False)
        except RuntimeError:
            threads.append(True)

    event.listen(accounts.engine, "before_cursor_execute", note)
    await add(store, [*SESSION, *said("one")])
    await store.keys()
    await store.delete("c1")
    assert threads
    assert all(threads)


async def test_rasa_makes_the_store_from_its_configuration(
    accounts: Accounts, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await add(EncryptedTrackerStore(DOMAIN, accounts=accounts), [*SESSION, *said("one")])
    config = EndpointConfig.from_dict({"type": "bot.delivery.tracker_store.EncryptedTrackerStore"})
    monkeypatch.setenv("CHARTLINE_SECRET_KEY", accounts.settings.secret_key.get_secret_value())
    monkeypatch.setenv("CHARTLINE_DATABASE_URL", database_url)
    made = TrackerStore.create(config, DOMAIN)
    assert isinstance(made, EncryptedTrackerStore)
    assert check_if_tracker_store_async(made)
    assert await made.retrieve("c1") == kept
    made._accounts.engine.dispose()


# --- The atomic turn --------------------------------------------------------------------------------------------


def with_store(desk: Desk, *more: Callable[[], Any]) -> EncryptedTrackerStore:
    """The desk's agent remembers what people write, as Rasa does, and says how many messages it knows of."""
    store = EncryptedTrackerStore(DOMAIN, accounts=desk.accounts)

    async def answer(message: Any) -> list[dict[str, Any]]:
        tracker = await store.get_or_create_tracker(message.sender_id, append_action_listen=False)
        tracker.update_with_events([*([] if tracker.events else SESSION), *said(message.text)], DOMAIN)
        await store.save(tracker)
        tracker.update_with_events([ActionExecuted("action_listen")], DOMAIN)
        await store.save(tracker)
        for step in more:
            await step()
        return [{"text": f"{len(await remembered(store, message.sender_id))}: {message.text}"}]

    desk.agent.answer = answer
    return store


async def remembered(store: EncryptedTrackerStore, conversation: str) -> list[str]:
    return words_of(await store.retrieve_full_tracker(conversation))


async def test_a_turn_is_stored_with_its_replies_and_the_next_one_knows_it(desk_on_each: Desk) -> None:
    store = with_store(desk_on_each)
    await desk_on_each.put("one")
    await desk_on_each.put("two")
    await desk_on_each.work()
    assert desk_on_each.said == ["1: one", "2: two"]
    assert await remembered(store, desk_on_each.rows(Inbox)[0].conversation) == ["one", "two"]


async def test_within_a_turn_nothing_is_written_and_all_is_seen(desk: Desk) -> None:
    counts: list[int] = []

    async def look() -> None:
        counts.append(rows(desk.accounts))

    store = with_store(desk, look)
    await desk.put("one")
    await desk.work()
    assert counts == [0]
    assert desk.said == ["1: one"], "the turn saw its own events"
    assert rows(desk.accounts) == 2
    assert await remembered(store, desk.rows(Inbox)[0].conversation) == ["one"]


@pytest.mark.parametrize("where", ["events", "replies", "commit"])
async def test_a_fault_anywhere_in_the_commit_leaves_neither_events_nor_replies(
    desk_on_each: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    desk = desk_on_each
    store = with_store(desk)

    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk full"))

    with monkeypatch.context() as patch:
        if where == "commit":
            patch.setattr(
                tracker_store.Unsaved, "write", lambda self, s, *_: event.listen(s, "before_commit", fail, once=True)
            )
        else:
            target = (tracker_store.tracker_events, "add") if where == "events" else (outbox, "add")
            patch.setattr(*target, fail)
        await desk.put("one")
        await desk.work()
        assert (rows(desk.accounts), desk.rows(Outbox), desk.states(Inbox)) == (0, [], ["new"])
    desk.clock.forward(60)
    await desk.work()
    assert desk.agent.texts == ["one", "one"]
    assert desk.said == ["1: one"], "the second try began where the first had"
    assert await remembered(store, desk.rows(Inbox)[0].conversation) == ["one"]
    assert desk.states(Inbox) == [DONE]


async def test_a_turn_that_breaks_off_after_a_save_is_not_remembered(desk: Desk) -> None:
    async def break_off() -> None:
        if len(desk.agent.turns) == 1:
            raise RuntimeError("after the save")

    with_store(desk, break_off)
    await desk.put("one")
    await desk.work()
    assert rows(desk.accounts) == 0
    desk.clock.forward(60)
    await desk.work()
    assert desk.said == ["1: one"]


async def test_a_turn_that_somebody_else_took_over_writes_nothing(desk: Desk) -> None:
    with_store(desk)
    await desk.put("one")
    vault, clock = desk.accounts.vault, desk.clock
    with transaction(desk.accounts.engine) as session:
        (late,) = inbox.lease(session, vault, clock(), 1, ["sms"])
    clock.forward(61)
    with transaction(desk.accounts.engine) as session:
        (job,) = inbox.lease(session, vault, clock(), 1, ["sms"])
    await desk.delivery._answer(late)
    assert (rows(desk.accounts), desk.rows(Outbox)) == (0, [])
    await desk.delivery._answer(job)
    assert (rows(desk.accounts), len(desk.rows(Outbox))) == (2, 1)


async def test_turns_side_by_side_keep_their_events_apart(desk: Desk) -> None:
    both = asyncio.Event()

    async def meet() -> None:
        if len(desk.agent.turns) == 2:
            both.set()
        await both.wait()

    store = with_store(desk, meet)
    await desk.put("one", "+12025550101")
    await desk.put("two", "+12025550102")
    await desk.work()
    first, second = (row.conversation for row in desk.rows(Inbox))
    assert await remembered(store, first) == ["one"]
    assert await remembered(store, second) == ["two"]


async def test_a_broker_is_told_what_was_kept_and_nothing_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[dict[str, Any]] = []
    store = with_store(desk)
    store.event_broker = type("Broker", (), {"publish": staticmethod(published.append)})()

    async def fail(*_: Any) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk full"))

    with monkeypatch.context() as patch:
        patch.setattr(Delivery, "_commit", fail)
        await desk.put("one")
        await desk.work()
    assert published == []
    desk.clock.forward(60)
    await desk.work()
    assert [e["text"] for e in published if e["event"] == "user"] == ["one"]
    assert {e["sender_id"] for e in published} == {desk.rows(Inbox)[0].conversation}
    await add(store, SESSION, "shell")
    assert published[-1]["sender_id"] == "shell"
