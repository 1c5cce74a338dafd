"""What a person says about being written to: STOP, START or HELP, found by rules in the whole of a message.

The words are those of the CTIA's Messaging Principles and of Twilio's STOP filtering, and REVOKE and OPTOUT of the
FCC's rule of 2024, which also wants any other plain wording honoured (47 CFR 64.1200(a)(10)). A message that says more
than that ("stop taking my lisinopril?", "cancel my appointment") is conversation.
"""

from __future__ import annotations

import re
import unicodedata

STOP, START, HELP = "stop", "start", "help"
WRONG_NUMBER = "wrong_number"

_STOP_WORDS = re.compile(
    r"stop|stopall|unsub(?:scribe)?|unsuscribe|unsubcribe|cancel|end|quit|revoke|optout"
    r"|alto|parar|paren?|detener|detenga|basta|baja|cancelar"
)
_START_WORDS = re.compile(r"start|unstop|restart|subscribe|resume|optin|iniciar|comenzar|empezar|reanudar")
_HELP_WORDS = re.compile(r"help|help ?me|info|information|informacion|ayuda|ayudame")

# Said before or after anything; they change nothing.
_COURTESY = (
    r"please|pls|plz|plse|kindly|just|hey|hi|hello|ok|okay|no|and|so|thanks|thank you|thx|now|right now|already"
    r"|immediately|at once|asap|anymore|any more|again|ever|ever again|for good|from now on|can you|could you|would you"
    r"|will you|i want you to|i need you to|i would like you to|i d like you to|por favor|favor de|gracias|ya|hola"
)
# Before a wording that names messages; with a bare "stop" it may be about a medicine ("can I stop now?").
_POLITE = (
    rf"(?:{_COURTESY}|i d like to|i would like to|i want to|i need to|i wish to|let me|how do i|how can i|can i|may i"
    r"|i am|i m|quiero)"
)
_COURTESY = rf"(?:{_COURTESY})"
_TEXTS = r"(?:texts?|txts?|messages?|msgs?|text messages?|txt msgs?|sms|sms messages?|texting|texting messages?)"
_THESE = r"(?:(?:all|any|the|these|those|this|that|your|my|more|me|of|automated|unwanted|such)\s)*"
_FROM = r"(?:\s(?:from|to)\s(?:me|you|us|here|this number|this phone|my phone|my number|my cell|the clinic))*"
_LIST = r"(?:(?:this|the|your|all)\s)*(?:(?:text|texting|sms|message|messaging|mailing|contact|call)\s)?(?:list|lists)"
_NUMBER = r"(?:(?:my|this)\s)(?:(?:phone|cell|cell phone|mobile)\s)?(?:number|phone)"
_DO_NOT = r"(?:do not|don t|dont|never|do nt|pls dont)"
_MENSAJES = r"(?:mensajes?(?: de texto)?|textos?|sms)"
_ME_MANDE = r"me (?:mande[ns]?|envie[ns]?|manden|escriba[ns]?|textee[ns]?|contacte[ns]?|mandes|escribas|envies)"

_STOP_WORDINGS = (
    r"(?:stop|quit|cease) (?:texting|txting|messaging|contacting|writing|sms ?ing|bothering|spamming)"
    r"(?: (?:to )?(?:me|us|this number|my phone|my number))?",
    rf"(?:stop|quit|cease|end) (?:sending )?{_THESE}{_TEXTS}{_FROM}",
    rf"(?:stop|quit) sending (?:me )?{_THESE}{_TEXTS}{_FROM}",
    r"(?:stop|quit) sending (?:me )?(?:these|this|those|things|stuff)(?: to me)?",
    rf"{_DO_NOT} (?:ever )?(?:text|txt|message|msg|contact|sms|write|write to) "
    rf"(?:me|us|this number|my number|my phone)",
    rf"{_DO_NOT} send (?:me |us )?{_THESE}{_TEXTS}{_FROM}",
    rf"i (?:do not|don t|dont) want (?:to (?:get|receive|have) )?{_THESE}{_TEXTS}{_FROM}",
    r"i (?:do not|don t|dont|no longer) (?:want|wish) to be (?:texted|messaged|contacted|sent texts|sent messages)",
    rf"i no longer (?:want|wish)(?: to (?:get|receive))? {_THESE}{_TEXTS}{_FROM}",
    rf"(?:opt|opting|opted) ?(?:me )?out(?: (?:of|from) {_THESE}(?:{_TEXTS}|this|these|it|here|all|everything))?",
    rf"(?:take|get|remove|delete) (?:me|{_NUMBER}) (?:off|from|off of|out of)(?: of)? "
    rf"(?:{_LIST}|this|here|{_THESE}{_TEXTS})",
    rf"(?:remove|delete|lose|forget|erase) (?:me|{_NUMBER})",
    rf"no more {_THESE}{_TEXTS}{_FROM}",
    rf"(?:unsubscribe|unsuscribe|unsubcribe|unsubscribing) (?:me|{_NUMBER})?(?: ?(?:from|to) "
    rf"(?:{_LIST}|this|here|{_THESE}{_TEXTS}|all|everything))?",
    rf"cancel {_THESE}(?:texts|text messages|texting|sms)",
    r"(?:i )?(?:revoke|withdraw|take back) (?:my )?consent(?: to (?:be texted|text me|texts|texting|messages))?",
    r"leave me alone",
    rf"(?:ya )?no {_ME_MANDE}(?: (?:mas|ningun|ya|estos))*(?: {_MENSAJES})?(?: mas| nunca)?",
    rf"no (?:mas|(?:quiero|deseo)(?: recibir)?(?: mas)?) {_MENSAJES}",
    rf"(?:deje[ns]?|deja|para|pare[ns]?) de (?:escribirme|textearme|molestarme|contactarme"
    rf"|(?:mandarme|enviarme)(?: {_MENSAJES})?)",
    r"(?:dar ?me|darme|deme|denme) de baja",
    r"(?:quite(?:n)?me|saque(?:n)?me|borre(?:n)?me) de (?:la|su|esta) lista",
    r"(?:borre|borren|elimine|eliminen|quite|quiten) mi numero(?: de (?:la|su|esta) lista)?",
)
_WRONG_NUMBER_WORDINGS = (
    r"(?:(?:you have|you ve got|you got|u have|u got|this is|it s|its) (?:the |a )?)?wrong (?:number|person)",
    r"numero equivocado",
)
_START_WORDINGS = (
    rf"(?:start|begin|resume|you can start) (?:texting|messaging|sending)(?: me)?(?: {_THESE}{_TEXTS})?",
    r"(?:you can )?(?:text|message|txt) me",
    r"opt (?:me )?(?:back )?in",
    r"(?:re ?)?subscribe me",
)

_SIGNATURE = re.compile(r"\n\s*(?:--|sent (?:from|via) my\b).*", re.IGNORECASE | re.DOTALL)


def _whole(wordings: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?:{_POLITE} )*(?:{'|'.join(wordings)})(?: {_POLITE})*")


_PATTERNS = (
    (STOP, _whole(_STOP_WORDINGS)),
    (WRONG_NUMBER, _whole(_WRONG_NUMBER_WORDINGS)),
    (START, _whole(_START_WORDINGS)),
)
# With a please or a thank you these are still nothing else; "please cancel" may mean what was asked just now.
_STOP_POLITELY = re.compile(
    rf"(?:{_COURTESY} )*(?:(?:stop|stopall|stop all|unsubscribe|optout|alto|parar|pare)(?: |$))+(?:{_COURTESY}(?: |$))*"
)


def plain(text: str) -> str:
    """The words of a message alone: lower case, no accents, marks or pictures, no signature."""
    letters = unicodedata.normalize("NFKD", _SIGNATURE.sub("", text).casefold())
    spaced = "".join(c if c.isalnum() else "" if unicodedata.combining(c) else " " for c in letters)
    return " ".join(spaced.split())


def wish(text: str) -> str | None:
    """`STOP`, `START`, `HELP` or `WRONG_NUMBER` where the message says that and nothing else."""
    said = plain(text)
    if _STOP_WORDS.fullmatch(said) or _STOP_POLITELY.fullmatch(said):
        return STOP
    if _START_WORDS.fullmatch(said):
        return START
    if _HELP_WORDS.fullmatch(said):
        return HELP
    return next((meant for meant, pattern in _PATTERNS if pattern.fullmatch(said)), None) if said else None
