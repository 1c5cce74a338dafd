"""A portal that is away, slow or wrong: a kind and true answer each, and no guess."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from portal.seed import DEMO_PASSWORD
from portal.smart.grants import Grants
from portal.smart.proxies import Proxies
from portal.smart.settings import SmartSettings
from portal.smart.store import writing
from portal.smart.tables import Token
from portal.smart.users import Users
from portal.smart.values import now
from tests.faults import Fault
from tests.harness import Assistant, PortalServer

HTML = "<html><body>Down for maintenance</body></html>"


async def test_a_portal_that_is_down_is_said_so_and_works_again_afterwards(
    assistant: Assistant, portal: PortalServer
) -> None:
    chat = await assistant.chat("rosa")
    with portal.away():
        for text in ("show my labs", "what medicines am I on", "graph my a1c"):
            said = await chat.say(text)
            assert "can't reach your records right now" in said and "555-0100" in said
    assert "A1c" in await chat.say("show my labs")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(seconds=10), "taking too long"),
        (Fault(500, '{"resourceType": "OperationOutcome"}'), "taking too long"),
        (Fault(503, HTML, "text/html"), "taking too long"),
        (Fault(429, "", "text/plain"), "taking too long"),
        (Fault(200, '{"resourceType": "Bundle", "entry": ['), "can't read"),
        (Fault(200, HTML, "text/html"), "can't read"),
        (Fault(200, '{"resourceType": "Patient", "id": "other"}'), "can't read"),
        (Fault(200, ""), "can't read"),
        (Fault(403, '{"resourceType": "OperationOutcome"}'), "didn't let me open"),
        (Fault(400, '{"resourceType": "OperationOutcome"}'), "didn't let me open"),
    ],
    ids=["slow", "500", "503 page", "429", "broken JSON", "page", "other resource", "nothing", "403", "400"],
)
async def test_a_fault_of_the_portal_is_told_truly_and_is_over_when_it_is_over(
    assistant: Assistant, portal: PortalServer, fault: Fault, words: str
) -> None:
    chat = await assistant.chat("rosa")
    portal.app.fault = fault
    said = await chat.say("show my labs")
    assert words in said and "555-0100" in said
    assert "Glucose" not in said and "Something went wrong" not in said
    portal.app.fault = None
    assert "A1c" in await chat.say("show my labs")


async def test_a_refill_is_never_claimed_while_the_portal_fails(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("refill my lisinopril")
    portal.app.fault = Fault(500)
    said = await chat.say("yes")
    assert "SENT:" not in said.text.replace("NOT SENT", "")


async def test_an_expired_access_token_is_renewed_unseen(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    with writing(portal.store.engine) as session:
        session.execute(update(Token).where(Token.kind == "access").values(expires_at=0))
    said = await chat.say("show my labs")
    assert "A1c" in said and not said.links


async def test_access_that_was_taken_back_at_the_portal_asks_for_a_sign_in_and_then_goes_on(
    assistant: Assistant, portal: PortalServer
) -> None:
    chat = await assistant.chat("rosa")
    engine = portal.store.engine
    user = Users(engine).verify("rosa", DEMO_PASSWORD)
    assert user is not None
    proxies = Proxies(engine, SmartSettings().proxy_policy, portal.fhir_url, now)
    Grants(engine, proxies).end_all(user.id)
    said = await chat.say("what's my a1c")
    assert "First I need to know" in said and len(said.links) == 1
    _, answer = await chat.sign_in(said.links[0], "rosa")
    assert "6.9 %" in answer


async def test_signing_out_works_while_the_portal_is_down(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    with portal.away():
        assert "signed out" in await chat.say("sign out")
    assert "First I need to know" in await chat.say("show my labs")
