"""Twilio's webhooks: what is refused, what is taken, and as what."""

from __future__ import annotations

import pytest

from bot.channels.credentials import MissingSetting
from bot.channels.message import Incoming
from bot.channels.sms import SmsInput, SmsSender, e164
from tests.channels.support import PUBLIC_URL, TWILIO, form, serving, sign, sms_input

PATH = "/webhooks/sms/webhook"


async def test_a_signed_message_is_taken_and_answered_with_empty_twiml() -> None:
    async with serving(sms_input()) as server:
        answer = await server.sms(form("text"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    assert answer.text.endswith("<Response/>")
    assert server.delivery.one == Incoming(
        channel="sms",
        account="+15005550006",
        message_id="SM00000000000000000000000000000001",
        address="+12025550143",
        text="Refill my lisinopril",
    )


@pytest.mark.parametrize("signature", [None, "wrong", sign(f"{PUBLIC_URL}{PATH}", form("text"), token="another")])
@pytest.mark.parametrize("path", ["webhook", "status"])
async def test_what_twilio_did_not_sign_is_refused(signature: str | None, path: str) -> None:
    async with serving(sms_input()) as server:
        answer = await server.sms(form("text"), signature, path)
    assert answer.status_code == 403
    assert not server.delivery.kept


@pytest.mark.parametrize(
    "changed", [{"Body": "Refill my oxycodone"}, {"From": "+12025550199"}, {"ToState": "MD"}, {"Extra": ""}]
)
async def test_a_changed_or_added_parameter_is_refused(changed: dict[str, str]) -> None:
    genuine = sign(f"{PUBLIC_URL}{PATH}", form("text"))
    async with serving(sms_input()) as server:
        answer = await server.sms(form("text", **changed), genuine)
    assert answer.status_code == 403
    assert not server.delivery.kept


async def test_the_signature_is_of_the_public_address_and_not_of_the_host_header() -> None:
    body = form("text")
    async with serving(sms_input()) as server:
        local = sign(str(server.client.base_url.join(PATH)), body)
        assert (await server.sms(body, local)).status_code == 403
        headers = {"X-Twilio-Signature": sign(f"{PUBLIC_URL}{PATH}?rc=2", body), "Host": "elsewhere.example"}
        answer = await server.client.post(f"{PATH}?rc=2", content=body, headers=headers)
    assert answer.status_code == 200


async def test_a_public_address_with_its_port_is_the_same() -> None:
    body = form("text")
    async with serving(SmsInput.from_credentials({**TWILIO, "public_url": "https://chat.clinic.example/"})) as server:
        answer = await server.sms(body, sign(f"https://chat.clinic.example:443{PATH}", body))
    assert answer.status_code == 200


async def test_blank_parameters_count_in_the_signature() -> None:
    assert "ToCity=&" in form("text")
    async with serving(sms_input()) as server:
        assert (await server.sms(form("blank_body"))).status_code == 200
    assert server.delivery.one.text == ""


async def test_a_repeated_message_is_answered_alike_and_kept_once() -> None:
    async with serving(sms_input()) as server:
        first, second = [await server.sms(form("text")) for _ in range(2)]
    assert (first.status_code, first.text) == (second.status_code, second.text)
    assert len(server.delivery.kept) == 1


async def test_pictures_without_words_are_counted() -> None:
    async with serving(sms_input()) as server:
        assert (await server.sms(form("mms"))).status_code == 200
    assert server.delivery.one.text == ""
    assert server.delivery.one.metadata == {"media": 2, "unsupported": "media"}


async def test_pictures_with_words_are_a_message_with_words() -> None:
    async with serving(sms_input()) as server:
        await server.sms(form("mms", Body="is this rash from it"))
    assert server.delivery.one.text == "is this rash from it"
    assert server.delivery.one.metadata == {"media": 2}


async def test_what_twilios_opt_out_made_of_a_message_is_kept() -> None:
    async with serving(sms_input()) as server:
        await server.sms(form("opt_out"))
    assert server.delivery.one.text == "STOP"
    assert server.delivery.one.metadata == {"opt_out": "STOP"}


async def test_spanish_letters_and_marks_arrive_as_they_were_written() -> None:
    async with serving(sms_input()) as server:
        await server.sms(form("spanish"))
    assert server.delivery.one.text == "¡Hola! necesito mi medicación"


async def test_a_command_is_plain_text() -> None:
    async with serving(sms_input()) as server:
        await server.sms(form("command"))
    assert server.delivery.one.text == 'refill_medication{"medication": "oxycodone"}'


async def test_a_message_that_is_too_long_is_cut_and_says_so() -> None:
    async with serving(sms_input()) as server:
        await server.sms(form("text", Body="a" * 4001))
    assert len(server.delivery.one.text) == 4000
    assert server.delivery.one.metadata == {"truncated": True}


async def test_a_short_code_is_not_a_person() -> None:
    async with serving(sms_input()) as server:
        assert (await server.sms(form("short_code"))).status_code == 200
    assert not server.delivery.kept


@pytest.mark.parametrize("body", [b"Body=\xff\xfe&From=1", b"Body=%FF%FE", "&".join(f"a{i}=1" for i in range(400))])
async def test_a_broken_form_is_a_bad_request(body: bytes | str) -> None:
    async with serving(sms_input()) as server:
        assert (await server.sms(body)).status_code == 400


async def test_a_signed_form_without_a_message_id_is_a_bad_request() -> None:
    async with serving(sms_input()) as server:
        assert (await server.sms("From=%2B12025550143&Body=hi")).status_code == 400
        assert (await server.sms("ErrorCode=30003", path="status")).status_code == 400


async def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    async with serving(sms_input()) as server:
        answer = await server.sms("Body=" + "a" * 70_000)
    assert answer.status_code == 413
    assert not server.delivery.kept


@pytest.mark.parametrize(("body", "path"), [(form("text"), "webhook"), (form("status_delivered"), "status")])
async def test_twilio_is_told_to_try_again_when_nothing_was_kept(
    body: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(sms_input()) as server:
        server.delivery.broken = True
        answer = await server.sms(body, path=path)
    assert answer.status_code == 503
    assert "illness" not in answer.text + caplog.text
    assert "+12025550143" not in answer.text + caplog.text
    assert "OSError" in caplog.text


@pytest.mark.parametrize(
    ("name", "status", "code"), [("delivered", "delivered", ""), ("undelivered", "undelivered", "30003")]
)
async def test_a_delivery_report_is_reconciled(name: str, status: str, code: str) -> None:
    async with serving(sms_input()) as server:
        answer = await server.sms(form(f"status_{name}"), path="status")
    assert answer.status_code == 204
    ((channel, sid, *rest),) = server.delivery.reports
    assert (channel, rest) == ("sms", [status, code])
    assert sid in form(f"status_{name}")


async def test_the_channel_says_that_it_is_there() -> None:
    async with serving(sms_input()) as server:
        assert (await server.client.get("/webhooks/sms/")).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        ("account_sid", "TWILIO_ACCOUNT_SID"),
        ("auth_token", "TWILIO_AUTH_TOKEN"),
        ("from", "TWILIO_FROM"),
        ("public_url", "CHARTLINE_PUBLIC_URL"),
    ],
)
@pytest.mark.parametrize("value", [None, "", " ", "${NOBODY_SET_THIS}"])
@pytest.mark.parametrize("build", [SmsInput.from_credentials, SmsSender.from_credentials])
def test_a_missing_setting_is_named(build, key: str, variable: str, value: str | None) -> None:
    with pytest.raises(MissingSetting, match=variable):
        build({**TWILIO, key: value})


def test_a_channel_without_secrets_is_not_wanted_and_one_with_some_is() -> None:
    unset = {"account_sid": "${TWILIO_ACCOUNT_SID}", "auth_token": "", "from": None, "public_url": PUBLIC_URL}
    assert not SmsInput.configured(unset)
    assert not SmsInput.configured(None)
    assert SmsInput.configured({**unset, "from": "+15005550006"})


def test_secrets_do_not_show() -> None:
    from bot.channels.twilio_account import TwilioAccount

    assert TWILIO["auth_token"] not in repr(TwilioAccount.from_credentials(TWILIO))


@pytest.mark.parametrize(
    ("number", "address"),
    [
        ("+12025550143", "+12025550143"),
        ("+1 (202) 555-0143", "+12025550143"),
        ("72975", None),
        ("CLINIC", None),
        ("", None),
    ],
)
def test_an_address_is_a_number_in_e164(number: str, address: str | None) -> None:
    assert e164(number) == address
