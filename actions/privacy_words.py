"""What a message about privacy asks for: who looked at the chart, to forget the chat, or how things are kept."""

from __future__ import annotations

import re
from enum import Enum

_TAKE_AWAY = (
    "(?:delete|deleted|erase|erased|forget|forgotten|remove|removed|wipe|wiped|clear|cleared|purge|destroy|unsend|"
    "throw away|get rid of|take back)"
)
_SAID = (
    r"(?:chats?|conversations?|messages?|texts?|threads?|history|everything|data|info|information|account|all|"
    r"what|anything|things|me|it|this|that|these|those)"
)
_FORGET = re.compile(rf"\b{_TAKE_AWAY}\b.{{0,40}}?\b{_SAID}\b|\b(?:chat|conversation) (?:gone|disappear)\b")
_KEEP = re.compile(rf"\b(?:do ?n[o']?t|never|not|without)(?: \w+){{0,2}} {_TAKE_AWAY}\b|\bplease keep\b")
_ASKS_WHETHER = re.compile(
    r"\b(?:do|did|does|will|would) (?:you|u|ya|they|it|this|the|anyone|anybody|my)\b|\bhow (?:long|often|soon)\b|"
    r"\b(?:when|are|is|was|were|have you|what happens)\b"
)
_PLEASE = re.compile(r"\b(?:please|pls|plz|would you mind)\b")

_SOMEONE = r"(?:who|whos|anyone|anybody|someone|somebody|whoever|people|everyone)"
_LOOKED = (
    r"(?:looked|seen|saw|viewed|opened|accessed|read|checked|gone|got|been|look|looking|reading|snooping|peeking|"
    r"viewing|opening|snoop|get|open|see|view|access(?! to))"
)
_CHART = (
    r"(?:records?|charts?|files?|results|labs|tests|medical|health|info|information|data|portal|medicines|meds|stuff)"
)
_WHO_LOOKED = (
    rf"\b{_SOMEONE}\b(?: else)?(?:'s)?(?! (?:can|could|may|is able)\b).{{0,20}}?\b{_LOOKED}\b.*\b{_CHART}\b",
    rf"\b(?:did|has|have|had)(?: \w+){{1,4}}? {_LOOKED}\b.*\bmy\b.*\b{_CHART}\b",
    rf"\b(?:was|were|has) my(?: \w+)? {_CHART}(?: \w+)?(?: \w+)? {_LOOKED}\b|\bmy {_CHART} (?:last )?{_LOOKED}\b",
    r"\b(?:access|audit|disclosure)s? (?:log|trail|history|list|record)s?\b|\baccounting of disclosures\b",
)
_LOOK = re.compile("|".join(_WHO_LOOKED))
_MAY_LOOK = re.compile(rf"\b(?:can|could|may|will|able to|allowed)\b(?!.{{0,12}}\bsee who\b).*\b{_LOOKED}\b")
# "Has anyone read my messages" is about the chat, of which there is no such list.
_CHAT = re.compile(r"\b(?:messages?|chats?|texts?|conversations?|what i (?:write|wrote|type|typed|say|said))\b")


class Asked(Enum):
    """What to do about a message of the intent `privacy_info`."""

    WHO_LOOKED = "who looked"
    FORGET = "forget"
    KEEP = "keep"
    GENERAL = "general"


def asked(text: str) -> Asked:
    """Read a message about privacy. A question about deleting ("do you delete my texts?") deletes nothing."""
    text = text.replace("’", "'").lower()
    if _KEEP.search(text):
        return Asked.KEEP
    if _FORGET.search(text) and (_PLEASE.search(text) or not _ASKS_WHETHER.search(text)):
        return Asked.FORGET
    if _LOOK.search(text) and not _CHAT.search(text) and not _MAY_LOOK.search(text):
        return Asked.WHO_LOOKED
    return Asked.GENERAL
