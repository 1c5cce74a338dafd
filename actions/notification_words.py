"""What a patient wants changed about messages, read from the words."""

from __future__ import annotations

import re
from enum import Enum


class Wish(Enum):
    """What can be asked for. `OVERVIEW`: anything else about messages, answered with what is on."""

    DETAILS_ON = "details_on"
    DETAILS_OFF = "details_off"
    REMINDERS_ON = "reminders_on"
    REMINDERS_OFF = "reminders_off"
    PILLS = "pills"
    ALERTS = "alerts"
    OVERVIEW = "overview"


_HEALTH = (
    r"(?:details?|detials?|results?|labs?|lab ?work|blood ?work|tests?|numbers|values|answers?|everything"
    r"|info(?:rmation)?|health|medical|medic(?:ines?|ations?)|meds|prescriptions?|(?:private|personal) (?:stuff|things)"
    r"|it all|the whole thing|resultados?|detalles?|datos)"
)
_TELL = r"(?:text|txt|send|message|msg|sms|show|give|tell|write|put|answer|reply|respond|read|manda\w*|envi\w*|pon\w*)"
_HERE = (
    r"(?:here|in (?:a |my |the |our |this )?(?:text|txt|sms|message|chat)s?|(?:by|over|through|via) text|on telegram"
    r"|aqu[ií]|por (?:texto|mensaje))"
)
_NOT = r"(?:stop|quit|don'?t|dont|do not|never|no more|no longer|not|without|no quiero|ya no|deje\w*|no)"
_PRIVATE = r"(?:private|secret|hidden|confidential|to yourself)"
_OFF = (
    rf"(?:keep|make|leave|want) (?:it|this|things|them|everything|these|my [\w ]+?) {_PRIVATE}",
    rf"(?:keep|leave) (?:the |my )?{_HEALTH}[\w ]* (?:out of|private|off|secret)",
    rf"{_NOT}\b[\w' ]*\b{_HEALTH}",
    rf"(?:turn|switch) off\b[\w' ]*\b{_HEALTH}",
    rf"{_HEALTH}\b[\w' ]*\boff",
    r"take (?:that|it) back|changed my mind|undo",
    r"(?:go |switch |turn )?back to (?:private|the safe page|links?)",
    r"(?:only|just|send) (?:send )?(?:me )?(?:the |a )?links?",
    r"private (?:mode|please|again)",
    rf"hide\b[\w' ]*\b{_HEALTH}",
    r"(?:some(?:one|body)|others|people|my \w+) (?:else )?(?:can |could |might )?(?:see|read)s? my (?:phone|texts)",
)
_ON = (
    rf"{_TELL}\b[\w' ]*\b{_HEALTH}",
    rf"{_HEALTH}\b[\w' ]*\b{_HERE}",
    rf"{_TELL}\b[\w' ]* {_HERE}",
    rf"(?:turn|switch) on\b[\w' ]*\b{_HEALTH}",
    rf"{_HEALTH}\b[\w' ]*\bon",
    r"(?:text|txt|message|sms) (?:me )?(?:it|them|that|my|the)",
)
_LATER = (
    r"when|whenever|once|as soon as|if|every time|each time",
    r"notify|alerts? me|let me know|sign me up",
)
_REMIND = (r"re?m[ia]nd\w*", r"recordator\w*", r"recu[eé]rd\w*", r"nudg\w*")
_PILLS = (
    r"(?:to|about) (?:take|taking|my (?:meds|pills?|medic\w+))",
    r"(?:medication|medicine|meds|pill|dose) (?:reminder|alarm)",
    r"reminder for my (?:meds|pills?|medic\w+)",
    r"remind me (?:at|every|each)",
)
_NO = (r"stop|quit|don'?t|dont|do not|no|no more|never|off|of|cancel|disable|without|enough|too many|mute|ya no|deje",)


def _says(parts: tuple[str, ...], said: str) -> bool:
    return bool(re.search(rf"\b(?:{'|'.join(parts)})\b", said))


def read_wish(text: str) -> Wish:
    """What this message about messages wants."""
    said = " ".join(text.lower().replace("’", "'").split())
    if _says(_REMIND, said):
        if _says(_NO, said):
            return Wish.REMINDERS_OFF
        return Wish.PILLS if _says(_PILLS, said) else Wish.REMINDERS_ON
    if _says(_OFF, said):
        return Wish.DETAILS_OFF
    if _says(_LATER, said):
        return Wish.ALERTS
    return Wish.DETAILS_ON if _says(_ON, said) else Wish.OVERVIEW
