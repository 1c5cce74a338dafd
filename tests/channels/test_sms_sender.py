"""Replies as SMS, through Twilio's own client library against a local server that speaks its protocol."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from bot.channels.errors import AddressGone, DeliveryError, OptedOut, Retryable, Undeliverable
from bot.channels.message import Choice, Link, Rendered, Reply
from bot.channels.segments import segments
from bot.channels.sms import MORE_HINT, SmsSender
from bot.channels.twilio_account import TwilioAccount, failure
from tests.channels.providers import ACCOUNT_SID, AUTH_TOKEN, Answer, Provider
from tests.channels.support import PUBLIC_URL, TWILIO

YES_NO = (Choice("c-1", "Yes", "/affirm"), Choice("c-2", "No", "/deny"))
CHART = {"title": "A1c", "unit": "%", "points": [["2026-03-01", 6.9]], "alt": "A1c was 6.9 % on March 1."}


def sender(server: Provider | None = None, timeout: float = 10.0, **changes: str) -> SmsSender:
    base = {"base_url": server.url} if server else {}
    account = TwilioAccount.from_credentials({**TWILIO, **base, **changes})
    return SmsSender(account, timeout=timeout)


@pytest.fixture()
async def sms(twilio: Provider) -> AsyncIterator[SmsSender]:
    opened = sender(twilio)
    yield opened
    await opened.close()


def body(*replies: Reply) -> str:
    (message,) = sender().render(list(replies)).messages
    return str(message["body"])


def test_a_turn_is_one_message_and_its_texts_are_parted_by_a_blank_line() -> None:
    assert body(Reply("Your A1c is 6.9 %."), Reply("Anything else?")) == "Your A1c is 6.9 %.\n\nAnything else?"


def test_choices_are_numbered_in_the_message_and_through_the_turn() -> None:
    assert body(Reply("Refill lisinopril 10 mg?", YES_NO)) == "Refill lisinopril 10 mg?\n1 Yes\n2 No"
    two = body(Reply("First?", YES_NO), Reply("Second?", YES_NO))
    assert two == "First?\n1 Yes\n2 No\n\nSecond?\n3 Yes\n4 No"


def test_links_stand_bare_and_several_have_their_titles() -> None:
    one, two = Link("Sign in", "https://c.example/1"), Link("Help", "https://c.example/2")
    assert body(Reply("Please sign in.", links=(one,))) == "Please sign in.\nhttps://c.example/1"
    assert body(Reply("", links=(one, two))) == "Sign in: https://c.example/1\nHelp: https://c.example/2"


def test_a_picture_stays_out_and_its_description_stands_in_where_there_is_no_text() -> None:
    assert body(Reply("Your A1c over time: 6.9 %", chart=CHART)) == "Your A1c over time: 6.9 %"
    assert body(Reply(chart=CHART)) == "A1c was 6.9 % on March 1."


def test_a_long_answer_stops_at_two_segments_and_more_gives_the_rest() -> None:
    text = "\n".join(f"Test {i}: 5.{i} mmol/L – in range" for i in range(20))
    page, shown = sender().render([Reply(text)]), []
    while True:
        (message,) = page.messages
        assert segments(message["body"]) <= 2
        assert message["body"].endswith(f"\n{MORE_HINT}") is bool(page.rest)
        shown.append(message["body"].removesuffix(f"\n{MORE_HINT}"))
        if not page.rest:
            break
        page = sender().render([Reply(page.rest)])
    assert len(shown) > 1
    assert "\n".join(shown) == text.replace("–", "-")


def test_a_question_is_never_in_the_rest_or_a_yes_would_answer_what_nobody_read() -> None:
    before = Reply("NOT SENT: it is a little early for metformin 500 mg. " * 8)
    question = Reply("Refill lisinopril 10 mg at Corner Pharmacy. Shall I send it?", YES_NO)
    rendered = sender().render([before, question])
    (message,) = rendered.messages
    assert message["body"].endswith(f"{MORE_HINT}\n\n{question.text}\n1 Yes\n2 No")
    assert segments(message["body"]) <= 2
    assert rendered.rest.startswith("NOT SENT") and "Shall I" not in rendered.rest


def test_a_long_question_with_little_room_beside_it_stands_alone() -> None:
    question = Reply("Which one? " + "It may be any of these medicines of yours. " * 6, YES_NO)
    rendered = sender().render([Reply("Zestril is your lisinopril 10 mg, and there is more to say."), question])
    assert rendered.messages[0]["body"].startswith(f"{MORE_HINT}\n\nWhich one?")
    assert rendered.rest.startswith("Zestril")


def test_the_hint_is_the_clinics_own() -> None:
    spanish = SmsSender.from_credentials({**TWILIO, "more_hint": "Responda MAS para ver el resto."})
    assert spanish.render([Reply("a. " * 200)]).messages[0]["body"].endswith("\nResponda MAS para ver el resto.")


def test_nothing_to_say_is_no_message() -> None:
    assert sender().render([]) == Rendered([], "")
    assert sender().render([Reply("  ")]) == Rendered([], "")


async def test_a_message_is_sent_as_twilio_wants_it(sms: SmsSender, twilio: Provider) -> None:
    assert await sms.send("+12025550143", {"body": "¿Listo? 10^3"}) == "SM" + "1".zfill(32)
    (call,) = twilio.calls
    assert call.path == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    assert call.fields == {
        "To": "+12025550143",
        "From": "+15005550006",
        "Body": "¿Listo? 10^3",
        "StatusCallback": f"{PUBLIC_URL}/webhooks/sms/status",
    }


async def test_a_messaging_service_chooses_the_number_and_a_local_address_gets_no_reports(twilio: Provider) -> None:
    opened = sender(twilio, **{"from": "MG00000000000000000000000000000001", "public_url": "http://localhost:5005"})
    await opened.send("+12025550143", {"body": "hi"})
    await opened.close()
    assert twilio.calls[0].fields == {
        "To": "+12025550143",
        "MessagingServiceSid": "MG00000000000000000000000000000001",
        "Body": "hi",
    }


def refusal(status: int, code: int, **headers: str) -> Answer:
    text = "The 'To' number +12025550143 is refused"
    return Answer(status, {"code": code, "message": text, "status": status}, headers)


@pytest.mark.parametrize(
    ("answer", "kind", "code", "wait"),
    [
        (refusal(400, 21610), OptedOut, "21610", None),
        (refusal(400, 21211), AddressGone, "21211", None),
        (refusal(400, 21614), AddressGone, "21614", None),
        (refusal(400, 21408), Undeliverable, "21408", None),
        (refusal(429, 20429, **{"Retry-After": "7"}), Retryable, "20429", 7.0),
        (refusal(429, 14107), Retryable, "14107", None),
        (refusal(500, 20500), Retryable, "20500", None),
        (refusal(503, 20503, **{"Retry-After": "30"}), Retryable, "20503", 30.0),
        (refusal(401, 20003), Retryable, "20003", None),
        (Answer(502, "<html>Bad gateway</html>"), Retryable, "502", None),
        (Answer(200, "<html>A captive portal</html>"), Retryable, "JSONDecodeError", None),
    ],
)
async def test_each_refusal_says_what_to_do_and_nothing_about_the_person(
    sms: SmsSender, twilio: Provider, answer: Answer, kind: type[DeliveryError], code: str, wait: float | None
) -> None:
    twilio.script.append(answer)
    with pytest.raises(DeliveryError) as caught:
        await sms.send("+12025550143", {"body": "hi"})
    assert type(caught.value) is kind
    assert (caught.value.code, getattr(caught.value, "retry_after", None)) == (code, wait)
    assert caught.value.__cause__ is None and (caught.value.__suppress_context__ or not caught.value.__context__)
    assert "+12025550143" not in str(caught.value)


async def test_a_date_in_retry_after_is_seconds_from_now(sms: SmsSender, twilio: Provider) -> None:
    moment = format_datetime(datetime.now(timezone.utc) + timedelta(hours=1), usegmt=True)
    twilio.script.append(refusal(429, 20429, **{"Retry-After": moment}))
    with pytest.raises(Retryable) as caught:
        await sms.send("+12025550143", {"body": "hi"})
    assert caught.value.retry_after is not None and 3000 < caught.value.retry_after <= 3600


async def test_a_silent_twilio_is_tried_again_later(twilio: Provider) -> None:
    opened = sender(twilio, timeout=0.05)
    twilio.script.append(Answer(201, {}, held=True))
    with pytest.raises(Retryable, match="TimeoutError"):
        await opened.send("+12025550143", {"body": "hi"})
    twilio.release.set()
    await opened.close()


async def test_no_twilio_at_all_is_tried_again_later() -> None:
    opened = sender(base_url="http://127.0.0.1:9")
    with pytest.raises(Retryable):
        await opened.send("+12025550143", {"body": "hi"})
    await opened.close()


async def test_it_sends_again_after_it_was_closed(sms: SmsSender, twilio: Provider) -> None:
    await sms.send("+12025550143", {"body": "one"})
    await sms.close()
    await sms.send("+12025550143", {"body": "two"})
    await sms.typing("+12025550143")
    assert [call.fields["Body"] for call in twilio.calls] == ["one", "two"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("21610", OptedOut),
        ("30003", Undeliverable),
        ("30005", AddressGone),
        ("30006", Undeliverable),
        ("30022", Retryable),
    ],
)
def test_a_code_in_a_delivery_report_means_the_same(code: str, kind: type[DeliveryError]) -> None:
    assert type(failure(code)) is kind


def test_region_and_edge_make_the_host() -> None:
    account = TwilioAccount(ACCOUNT_SID, AUTH_TOKEN, "+15005550006", PUBLIC_URL, region="ie1", edge="dublin")
    assert re.fullmatch(r"https://api\.twilio\.com", account.base_url)
    assert (account.region, account.edge) == ("ie1", "dublin")
