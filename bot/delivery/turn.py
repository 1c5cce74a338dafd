"""One turn of the Rasa agent: a job in, replies out."""

from __future__ import annotations

import secrets
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker

from accounts.tiers import Tier
from bot.channels.message import Choice, Link, Reply
from bot.delivery.inbox import Job, turn_key
from bot.delivery.tables import REPLY
from bot.policies.safety_policy import interrupted


class Collector(OutputChannel):
    """Gathers what the assistant says in a turn. `scheduled` are replies for later, by their ISO time.

    What did not come through the generator has no tier and counts as the most private: it is left out, and
    `withheld` says so, unless everything may be told in this turn.
    """

    def __init__(self, channel: str, tier: Tier) -> None:
        self._channel, self._tier = channel, tier
        self.withheld = False
        self.take_up = False  # whether a question about danger is settled, so that what it interrupted goes on
        self.replies: list[Reply] = []
        self.scheduled: list[tuple[str, Reply]] = []

    def name(self) -> str:
        """The channel, so that a response of the domain can differ by it."""
        return self._channel

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Called by Rasa for each message of a turn."""
        custom = message.get("custom") or {}
        reply = reply_of(message)
        self.take_up = self.take_up or bool(custom.get("take_up"))
        if Tier.named(reply.tier) > self._tier:
            self.withheld = True
        elif custom.get("due"):
            self.scheduled.append((custom["due"], reply))
        elif reply.text or reply.chart:
            self.replies.append(reply)


def reply_of(message: dict[str, Any]) -> Reply:
    """A bot message of Rasa's as a `Reply`: buttons with a `url` are links, the others are choices."""
    buttons, custom = message.get("buttons") or [], message.get("custom") or {}
    return Reply(
        text=(message.get("text") or "").strip(),
        choices=tuple(Choice(secrets.token_urlsafe(6), b["title"], b["payload"]) for b in buttons if b.get("payload")),
        links=tuple(Link(b["title"], b["url"]) for b in buttons if b.get("url")),
        chart=custom.get("chart"),
        tier=custom.get("tier", Tier.FULL.word),
        withheld=bool(custom.get("withheld")),
        topic=custom.get("topic", REPLY),
    )


async def run(agent: Agent, job: Job, text: str, tier: Tier) -> Collector:
    """Let the agent answer `text` for this job. The same job has the same `turn` each time it is tried.

    After a no to a question about danger, the message that it interrupted is answered too, unscreened.
    """
    collector = Collector(job.channel, tier)
    await _handle(agent, job, text, tier, collector)
    if collector.take_up and (waiting := interrupted(await agent.processor.get_tracker(job.conversation))):
        await _handle(agent, job, waiting, tier, collector, screened=True)
    return collector


async def _handle(agent: Agent, job: Job, text: str, tier: Tier, collector: Collector, **more: Any) -> None:
    message = UserMessage(
        text,
        output_channel=collector,
        sender_id=job.conversation,
        input_channel=job.channel,
        message_id=turn_key(job.id),
        metadata={**job.metadata, "turn": turn_key(job.id), "tier": tier.word, **more},
    )
    await agent.handle_message(message)


async def utter(agent: Agent, job: Job, response: str, **values: Any) -> Reply:
    """A response of the domain outside a turn: its words come from the domain all the same."""
    tracker = await agent.processor.get_tracker(job.conversation)
    message = await agent.processor.nlg.generate(response, tracker, job.channel, **values)
    return reply_of(message or {})


async def words(agent: Agent, channel: str, response: str) -> Reply:
    """A response of the domain that names nothing of the conversation, for whoever reads it."""
    message = await agent.processor.nlg.generate(response, DialogueStateTracker("", slots=[]), channel)
    return reply_of(message or {})


async def start_anew(agent: Agent, conversation: str) -> None:
    """Rasa begins a new session: no slot, open form or message of before is known to what follows."""
    tracker = await agent.processor.get_tracker(conversation)
    for event in (SessionStarted(), ActionExecuted(ACTION_LISTEN_NAME)):
        tracker.update(event)
    await agent.processor.save_tracker(tracker)
