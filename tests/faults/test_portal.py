"""The portal takes a refill, and its answer is lost; the portal is slow while others wait for nothing.

What else a portal can do wrong, and what is said then, stands in tests/conversations/test_portal_faults.py.
"""

from __future__ import annotations

import pytest
from sqlalchemy import update

from portal.smart.store import writing
from portal.smart.tables import Token
from tests.faults import Fault
from tests.faults.site import Sent, Site
from tests.system import Phone

HTML = "<html><body>Bad gateway</body></html>"


@pytest.fixture(scope="module")
def phone(opened_site: Site) -> Phone:
    return opened_site.signed_in("+12025550160")


def ordered(site: Site, phone: Phone, fault: Fault) -> str:
    """What is said to a refill that meets a fault."""
    assert "Shall I send it?" in phone.say("refill my lisinopril")
    site.portal.app.fault = fault
    said = phone.say("yes")
    site.portal.app.fault = None
    return said


@pytest.mark.parametrize(
    "lost",
    [
        Fault(seconds=10, after=True),
        Fault(502, HTML, "text/html", after=True),
        Fault(500, '{"resourceType": "OperationOutcome"}', after=True),
        Fault(200, HTML, "text/html", after=True),
        Fault(201, '{"resourceType": "Task", ', after=True),
        Fault(201, "", after=True),
    ],
    ids=["no answer", "502", "500", "page", "broken JSON", "empty"],
)
def test_a_refill_whose_answer_is_lost_exists_once_and_has_its_receipt(site: Site, phone: Phone, lost: Fault) -> None:
    said = ordered(site, phone, Fault(**{**vars(lost), "path": "/fhir/Task", "method": "POST"}))
    (request,) = site.requests()
    assert "SENT: lisinopril" in said and "NOT SENT" not in said
    assert request["description"].split("Reference ")[1].rstrip(".") in said


def test_a_refill_that_the_portal_did_not_take_is_not_claimed(site: Site, phone: Phone) -> None:
    said = ordered(site, phone, Fault(500, path="/fhir/Task", method="POST"))
    assert "SENT:" not in said.replace("NOT SENT", "")
    assert site.requests() == []


def test_a_refill_with_an_expired_token_is_sent_once(site: Site, phone: Phone) -> None:
    assert "Shall I send it?" in phone.say("refill my lisinopril")
    with writing(site.portal.store.engine) as session:
        session.execute(update(Token).where(Token.kind == "access").values(expires_at=0))
    assert "SENT: lisinopril" in phone.say("yes")
    assert len(site.requests()) == 1


def test_a_slow_portal_is_not_waited_for_and_holds_up_nobody_else(site: Site, phone: Phone) -> None:
    other, portal = Phone(site, "+12025550161"), site.portal.app
    portal.fault = slow = Fault(seconds=10.5)
    seen = len(site.twilio.calls)
    assert Sent(phone, "show my labs").acknowledged()
    assert other.say("help")
    assert phone.received(seen) == [], "the other patient is answered while this one's portal is still asked"
    assert "taking too long" in phone.next(seen)
    assert slow in portal.begun and slow not in portal.answered, "before the portal comes to an answer"
