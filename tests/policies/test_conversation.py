"""The two policies on a small trained model, through Rasa's own agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from rasa.core.agent import Agent, load_agent
from rasa.core.channels import CollectingOutputChannel, UserMessage
from rasa.model_training import train
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, ActionExecutionRejected
from rasa.shared.core.trackers import DialogueStateTracker

PROJECT = Path(__file__).parent / "project"

Say = Callable[..., Awaitable[list[str]]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    files = [str(PROJECT / name) for name in ("domain.yml", "config.yml", "rules.yml")]
    result = train(files[0], files[1], [files[2]], output=str(tmp_path_factory.mktemp("model")))
    assert result.model is not None
    return result.model


@pytest.fixture
async def agent(model: str) -> Agent:
    return await load_agent(model_path=model)


@pytest.fixture
def say(agent: Agent) -> Say:
    """Sends messages given as intents; returns what the last one was answered."""

    async def say(*intents: str) -> list[str]:
        texts: list[str] = []
        for intent in intents:
            channel = CollectingOutputChannel()
            await agent.handle_message(UserMessage(f"/{intent}", channel, "patient"))
            texts = [message["text"] for message in channel.messages]
        return texts

    return say


async def tracker_of(agent: Agent) -> DialogueStateTracker:
    tracker = await agent.tracker_store.retrieve("patient")
    assert tracker is not None
    return tracker


async def test_a_form_asks_its_questions_and_ends(say: Say) -> None:
    assert await say("order") == ["which color?"]
    assert await say("inform") == ["large?"]
    assert await say("affirm") == ["ordered"]


async def test_after_a_digression_the_open_question_is_asked_again(say: Say) -> None:
    assert await say("order", "help") == ["help", "which color?"]
    assert await say("inform") == ["large?"]


async def test_two_digressions_in_a_row_each_come_back_to_the_question(say: Say) -> None:
    assert await say("order", "help", "help") == ["help", "which color?"]


async def test_a_message_that_was_not_understood_comes_back_to_the_question(say: Say) -> None:
    assert await say("order", "nlu_fallback") == ["not understood", "which color?"]


async def test_what_no_rule_covers_is_said_not_to_be_understood_once(say: Say) -> None:
    assert await say("unruled") == ["not understood"]


async def test_what_no_rule_covers_inside_a_form_comes_back_to_the_question_once(say: Say) -> None:
    assert await say("order", "unruled") == ["not understood", "which color?"]


async def test_a_yes_without_an_open_question_is_told_so(say: Say) -> None:
    assert await say("affirm") == ["no open question"]


@pytest.mark.parametrize(
    ("intent", "words"), [("report_emergency", "call now"), ("report_crisis", "you are not alone")]
)
async def test_danger_in_a_form_gets_only_its_own_words_and_fills_no_slot(
    say: Say, agent: Agent, intent: str, words: str
) -> None:
    assert await say("order", intent) == [words]
    tracker = await tracker_of(agent)
    assert tracker.get_slot("color") is None
    assert tracker.active_loop_name == "order_form"


async def test_after_danger_the_form_goes_on_with_the_next_message(say: Say) -> None:
    assert await say("order", "report_emergency", "inform") == ["large?"]


async def test_danger_twice_in_a_row_is_answered_twice(say: Say) -> None:
    assert await say("report_emergency") == ["call now"]
    assert await say("report_emergency") == ["call now"]


async def test_danger_without_a_form_is_answered(say: Say) -> None:
    assert await say("report_crisis") == ["you are not alone"]


async def test_a_form_left_rejected_by_an_earlier_turn_asks_again_and_then_hears(say: Say, agent: Agent) -> None:
    await say("order")
    tracker = await tracker_of(agent)
    tracker.update_with_events(
        [ActionExecutionRejected("order_form"), ActionExecuted(ACTION_LISTEN_NAME)], agent.domain
    )
    await agent.tracker_store.save(tracker)
    assert await say("inform") == ["not understood", "which color?"]  # Rasa extracts nothing for a rejected form
    assert await say("inform") == ["large?"]
