"""Reads what a patient wrote about a message: to whom, what it says, and whether it answers one.

"tell my cardiologist the cough is back" is a heart doctor and "The cough is back". What stays unclear stays in the
patient's own words: they are read back before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from actions.clinicians import CareTeam, specialties

_POLITE = (
    r"please|pls|plz|kindly|hi|hello|hey|good (?:morning|afternoon|evening)|can|could|would|will|you|u|i|i'd|id|we|"
    r"want|wanna|need|needs|like|love|to|just|help|me|also|so|um|uh|was|am|wondering|if|let's|lets|have|has|got|"
    r"go ahead|ahead|and|then|now|quickly|gotta|dear|there|this is|trying|thing|one more|a|an"
)
_VERB = (
    r"tell|inform|notify|remind|ask|let|messag(?:e|ing)|msg|text|e-?mail|mail|writ(?:e|ing)|contact|reply|respond|answer|"
    r"report|send|shoot|drop|leave|pass|forward|advise|update|say|thank|request|question|new message|compose|start"
)
_FILLER = (
    r"back|to|a|an|the|this|it|on|my|message|msg|note|e-?mail|text|word|line|for|that|quick|new|short|of|secure|something|photo|"
    r"picture|pic|reply|response|letter|along|with|in touch|and|up|out|from|me|portal"
)
_LEAD = re.compile(rf"(?:(?:{_POLITE})\W+)*(?P<verb>{_VERB})\b(?:\W+(?:{_FILLER})\b)*\W*", re.IGNORECASE)
_PURE = re.compile(
    rf"(?:(?:{_POLITE}|{_VERB}|{_FILLER}|how do|how|do|her|his|their|continue|finish|go on|draft|send|open|"
    r"quiero|mandar|mándale|mandale|enviar|escribir|escribirle|un|una|mensaje|mi|quisiera|puedo)\b\W*)+",
    re.IGNORECASE,
)
_HOW = re.compile(r"\W*how (?:do|can|could|would|should) (?:i|we)\b", re.IGNORECASE)
_REPLY = re.compile(r"\b(?:reply|respond|answer|write (?:\w+ ){0,3}back|writing back|response)\b", re.IGNORECASE)
_TOPIC = re.compile(
    r"(?:about|regarding|re:?|concerning|on the subject of)\s+(?P<rest>\S.*)", re.IGNORECASE | re.DOTALL
)
_JOINT = re.compile(
    r"^[\s,;:.\-–—]*(?:(?:know|knows)\b\s*)?"
    r"(?:(?:that|saying|to say|and say|and tell (?:him|her|them)(?: that)?)\b)?[\s,;:\-–—]*",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"(?:'s|’s)?\W*(?:(?:something|a question|some questions?|questions?|pls|plz|please|now|today|asap|"
    r"thanks|thx|for me|in writing|at the (?:clinic|office|practice)|"
    r"(?:the |a |his |her |that )?(?:message|note|letter|e-?mail)|back|about something|one thing|again|this|it|"
    r"quick question)\W*)*",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"(?:\b(?:my|our|the|his|her|a)\s+)?(?:\b(?:dr|doctor|doc|nurse)\b\.?\s*)?$", re.IGNORECASE)
_TITLED = re.compile(r"\b(?:[Dd][Rr]\.?|[Dd]octor|[Nn]urse)\s+(?P<name>[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)?)")
_AFTER_TITLE = re.compile(r"\b(?:dr|doctor|doc)\.?\s+(?P<name>[a-z][\w'’-]{2,})", re.IGNORECASE)
_PRACTICE = (
    "nurse", "nurses", "office", "clinic", "practice", "care team", "front desk", "reception", "receptionist", "staff",
    "team", "billing", "billing office", "billing department", "scheduling", "pharmacist", "assistant",
)  # fmt: skip
_DOCTOR = (
    "doctor", "doctors", "dr", "doc", "docs", "physician", "provider", "specialist", "clinician", "doctora", "médico",
    "medico",
)  # fmt: skip
_TOPIC_WORDS = 5  # from here on what follows "about" says enough to be the message


class Kind(str, Enum):
    """How a recipient was named."""

    NAME = "name"
    SPECIALTY = "specialty"
    DOCTOR = "doctor"
    PRACTICE = "practice"


@dataclass(frozen=True)
class Mention:
    """A recipient in a text: what was said, and where."""

    kind: Kind
    said: str
    start: int
    end: int


@dataclass(frozen=True)
class Request:
    """What one message asks for. `topic` and `body` are empty where nothing was said of them."""

    mention: Mention | None = None
    body: str = ""
    topic: str = ""
    reply: bool = False
    lead: str = ""


def read_request(text: str, team: CareTeam, names: Iterable[str] = (), kinds: Iterable[str] = ()) -> Request:
    """The request in `text`. `names` and `kinds` are the providers and specialties that were understood in it."""
    text = text.strip()
    for mention in mentions(text, team, names, kinds):
        lead = _LEAD.fullmatch(text[: mention.start])
        if lead or (mention.start == 0 and not text[mention.end :].strip(" .!?")):
            return _addressed(text, mention, lead["verb"].lower() if lead else "", lead.start("verb") if lead else 0)
    first = next(mentions(text, team, names, kinds), None)
    reply = bool(_REPLY.match(_first_verb(text)))
    rest = text[: first.start] + " " + text[first.end :] if first else text
    if len(text.split()) < 4 or _PURE.fullmatch(rest.strip(" .!?'’s") or "message") or _HOW.match(text):
        return Request(first, reply=reply)
    lead = _LEAD.match(text)
    if lead and not first and (topic := _TOPIC.match(text, lead.end())):
        return _about(None, topic["rest"], text, reply)
    return Request(first, _sentence(text), "", reply)


def mentions(text: str, team: CareTeam, names: Iterable[str] = (), kinds: Iterable[str] = ()) -> Iterator[Mention]:
    """Who is named in a text, from its beginning on; of two at one place the longer."""
    found = [*_named(text, team, names), *_roles(text, kinds)]
    found.sort(key=lambda m: (m.start, -(m.end - m.start)))
    end = 0
    for mention in found:
        if mention.start >= end:
            end = mention.end
            yield mention


def _named(text: str, team: CareTeam, names: Iterable[str]) -> Iterator[Mention]:
    known = {word for c in team.clinicians for word in (*c.names[-1:], " ".join(c.names)) if len(word) > 2}
    for name in {*known, *(n.lower() for n in names if len(n) > 2)}:
        for match in re.finditer(rf"\b{re.escape(name)}\b", text, re.IGNORECASE):
            yield _mention(Kind.NAME, text, match.start(), match.end())
    if not text.isupper():
        for match in _TITLED.finditer(text):
            yield _mention(Kind.NAME, text, match.start("name"), match.end("name"))
    for match in _AFTER_TITLE.finditer(text):
        if team.called(match["name"]):
            yield _mention(Kind.NAME, text, match.start("name"), match.end("name"))


def _roles(text: str, kinds: Iterable[str]) -> Iterator[Mention]:
    for called in {*specialties(), *(k.lower() for k in kinds if len(k) > 2)}:
        yield from _words(Kind.SPECIALTY, called, text)
    for called in _PRACTICE:
        yield from _words(Kind.PRACTICE, called, text)
    for called in _DOCTOR:
        yield from _words(Kind.DOCTOR, called, text)


def _words(kind: Kind, called: str, text: str) -> Iterator[Mention]:
    for match in re.finditer(rf"\b{re.escape(called)}\b", text, re.IGNORECASE):
        yield _mention(kind, text, match.start(), match.end())


def _mention(kind: Kind, text: str, start: int, end: int) -> Mention:
    before = _BEFORE.search(text[:start])
    begin = before.start() if before else start
    return Mention(kind, text[begin if kind is Kind.NAME else start : end], begin, end)


def _addressed(text: str, mention: Mention, verb: str, verb_at: int) -> Request:
    """The request after "tell my doctor": what follows is the message, or only what it is about."""
    reply, lead = bool(_REPLY.search(text[: mention.start])), text[: mention.end]
    rest = text[mention.end :]
    if _NOTHING.fullmatch(rest):
        return Request(mention, reply=reply, lead=lead)
    rest = rest[_JOINT.match(rest).end() :].strip()  # type: ignore[union-attr]  # it matches the empty text too
    if topic := _TOPIC.match(rest):
        return _about(mention, topic["rest"], rest, reply, lead)
    if verb == "send" and len(rest.split()) < _TOPIC_WORDS:
        return Request(mention, "", rest.strip(" .!"), reply, lead)
    if verb in ("ask", "request", "thank", "remind"):
        return Request(mention, _sentence(text[verb_at:]), "", reply, lead)
    return Request(mention, _sentence(rest), "", reply, lead)


def _about(mention: Mention | None, topic: str, whole: str, reply: bool, lead: str = "") -> Request:
    if len(topic.split()) < _TOPIC_WORDS:
        return Request(mention, "", topic.strip(" .!?"), reply, lead)
    return Request(mention, _sentence(whole), "", reply, lead)


def _first_verb(text: str) -> str:
    lead = _LEAD.match(text)
    return text[lead.start("verb") :] if lead else text


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:]
