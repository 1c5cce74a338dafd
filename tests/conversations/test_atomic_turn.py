"""The running agent remembers a turn if and only if it was answered: nothing of a turn is cached."""

from __future__ import annotations

from typing import Any

import pytest
from rasa.shared.core.events import UserUttered

from bot.delivery.tracker_store import Unsaved
from tests.harness import Assistant, Chat


async def remembered(chat: Chat) -> list[str]:
    """What the person wrote in all of the conversation, as the agent's store has it."""
    tracker = await chat.assistant.delivery.agent.tracker_store.retrieve_full_tracker(chat.key)
    return [event.text for event in tracker.events if isinstance(event, UserUttered)]


async def test_a_turn_whose_commit_fails_is_taken_again_from_where_it_began(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("hello")
    before, write, failures = await remembered(chat), Unsaved.write, []

    def fail_once(self: Unsaved, *arguments: Any) -> None:
        write(self, *arguments)
        if not failures:
            failures.append(self.of(chat.key))
            raise RuntimeError("before the commit")

    monkeypatch.setattr(Unsaved, "write", fail_once)
    said = await chat.say("show my a1c")
    assert failures[0], "the first try had events to keep"
    assert said.text
    assert await remembered(chat) == [*before, "show my a1c"]


async def test_all_of_a_conversation_is_kept_in_its_order(assistant: Assistant) -> None:
    chat = await assistant.chat()
    for words in ("hello", "thank you", "goodbye"):
        await chat.say(words)
    assert await remembered(chat) == ["hello", "thank you", "goodbye"]
