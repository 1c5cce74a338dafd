"""The question about danger: what its answer means, inside a form and outside, through Rasa's own agent."""

from __future__ import annotations

import pytest
from rasa.core.agent import Agent
from rasa.core.channels import CollectingOutputChannel, UserMessage
from rasa.shared.core.trackers import DialogueStateTracker

from bot.policies.safety_policy import interrupted
from tests.policies.test_conversation import Say, agent, model, say, tracker_of

__all__ = ["agent", "model", "say"]  # fixtures of the neighbouring module


async def write(agent: Agent, text: str) -> list[str]:
    """What is answered to a text whose intent the pipeline does not know."""
    channel = CollectingOutputChannel()
    await agent.handle_message(UserMessage(text, channel, "patient"))
    return [message["text"] for message in channel.messages]


@pytest.mark.parametrize(
    ("intent", "question", "answer"),
    [("maybe_emergency", "in danger?", "call now"), ("maybe_crisis", "are you safe?", "you are not alone")],
)
async def test_a_yes_is_answered_as_the_danger(say: Say, intent: str, question: str, answer: str) -> None:
    assert await say(intent) == [question]
    assert await say("affirm") == [answer]


async def test_a_no_is_acknowledged_and_does_not_reach_the_form(say: Say, agent: Agent) -> None:
    assert await say("order", "inform") == ["large?"]
    assert await say("maybe_emergency") == ["in danger?"]
    assert await say("deny") == ["good"]
    tracker = await tracker_of(agent)
    assert tracker.active_loop_name == "order_form"
    assert tracker.get_slot("requested_slot") == "size"
    assert await say("affirm") == ["ordered"]


async def test_the_offered_no_is_acknowledged(say: Say) -> None:
    assert await say("maybe_crisis", "no_danger") == ["good"]


@pytest.mark.parametrize("text", ["yes she is", "YES", "i dont know", "maybe", "not sure", "sí", "help", "y"])
async def test_a_yes_or_a_doubt_in_any_words_is_answered_as_the_danger(say: Say, agent: Agent, text: str) -> None:
    await say("maybe_emergency")
    assert await write(agent, text) == ["call now"]


@pytest.mark.parametrize("text", ["no im fine", "NO.", "nobody is", "nope just asking", "no, estamos bien"])
async def test_a_no_in_any_words_is_acknowledged(say: Say, agent: Agent, text: str) -> None:
    await say("maybe_emergency")
    assert await write(agent, text) == ["good"]


async def test_another_such_message_instead_of_an_answer_is_answered_as_the_danger(say: Say) -> None:
    assert await say("maybe_crisis", "maybe_crisis") == ["you are not alone"]


async def test_a_danger_said_outright_after_the_question_is_answered(say: Say) -> None:
    assert await say("maybe_emergency", "report_crisis") == ["you are not alone"]


async def test_any_other_message_is_a_message_like_any_other(say: Say) -> None:
    assert await say("maybe_emergency", "order") == ["which color?"]


async def test_a_yes_after_the_emergency_answer_is_no_answer_to_the_question_any_more(say: Say) -> None:
    assert await say("maybe_emergency", "affirm", "affirm") == ["no open question"]


async def test_what_the_question_interrupted_is_found_again(agent: Agent, say: Say) -> None:
    await say("order", "maybe_emergency", "no_danger")
    assert interrupted(await tracker_of(agent)) == "/maybe_emergency"
    assert interrupted(DialogueStateTracker.from_events("another", [])) is None
