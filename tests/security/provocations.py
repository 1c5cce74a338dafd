"""Everything that could make a process write what it must not: talk, faults of every part, and nonsense from outside.

Each one carries canaries wherever a value has room for them.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from tests.channels.providers import BOT_TOKEN, Answer, refused
from tests.security import canaries
from tests.system import DEMO_PASSWORD, System, TelegramChat, browse

EVERYTHING = " ".join((*canaries.OF_THE_CHART, *canaries.OF_THE_PERSON))
BROKEN = (
    EVERYTHING.encode(),
    json.dumps(EVERYTHING).encode(),
    f'{{"text": "{EVERYTHING}'.encode(),
    f'{{"a": "{EVERYTHING}", "b": {"[" * 20_000}'.encode(),
)
ADDRESSES = (
    f"/{quote(EVERYTHING)}",
    f"/webhooks/{canaries.WORDS}/webhook?text={canaries.WORDS}&From={quote(canaries.PHONE)}",
    f"/webhooks/sms/webhook?From={quote(canaries.PHONE)}",
    f"/webhooks/web/events?token={canaries.WORDS}",
    f"/signin/{canaries.WORDS}",
    f"/signin/{canaries.WORDS}/go",
    f"/signin/callback?state={canaries.WORDS}&code={canaries.WORDS}",
    f"/signin/callback?error={canaries.WORDS}&error_description={quote(EVERYTHING)}",
    f"/fhir/Patient/{canaries.NAME}",
    f"/fhir/Patient?name={canaries.NAME}&nonsense={canaries.DRUG}",
    f"/fhir/{canaries.NAME}",
    f"/oauth/authorize?client_id={canaries.WORDS}&redirect_uri=https://{canaries.WORDS}.example",
    f"/%ff%fe/{canaries.WORDS}",
)


def talk(system: System, rosa: dict[str, Any]) -> list[str]:
    """Ask, be told, order, and be led to sign in; the one-time links that were said."""
    for person in rosa.values():
        person.say(f"I have {canaries.WORDS}")
        person.say("show my a1c")
        person.say("what medicines am i on")
        person.say(f"refill my {canaries.DRUG}")
    stranger = TelegramChat(system, canaries.TELEGRAM_ID + 1)
    name = {"first_name": canaries.TELEGRAM_NAME, "username": canaries.TELEGRAM_NAME}
    chat = {"id": stranger.id, "type": "private", **name}
    answer = stranger.say(
        f"show my a1c, {canaries.WORDS}", chat=chat, **{"from": {"id": stranger.id, "is_bot": False, **name}}
    )
    link = answer[answer.index("https://chat.clinic.example/signin/") :].split('"')[0].split("\\")[0]
    browse(system, link, canaries.PATIENT)
    with system.client() as client:
        client.get(link)
    return [link.rsplit("/", 1)[1]]


def providers_fail(system: System, rosa: dict[str, Any]) -> None:
    """Twilio and Telegram refuse, and say whom and what."""
    text = f"{canaries.PHONE} {canaries.TELEGRAM_ID} {canaries.WORDS} {BOT_TOKEN}"
    system.twilio.script.extend(
        [Answer(400, {"code": 21211, "message": text, "status": 400}), Answer(400, f"<html>{text}"), Answer(500, text)]
    )
    system.telegram.script.extend([refused(400, text), refused(403, text), Answer(200, text), Answer(502, text)])
    for _ in range(3):
        for person in (rosa["sms"], rosa["telegram"]):
            person.post(person.body("hello")) if person is rosa["sms"] else person.post(**person.message("hello"))
    rosa["web"].say("hello")


def portal_fails(system: System, rosa: dict[str, Any]) -> None:
    """The portal's database is broken while a patient asks, and while somebody signs in."""
    with broken(system.folder / "portal.db", "resource"):
        assert "8462" not in rosa["web"].say(f"show my a1c {canaries.WORDS}")
        with httpx.Client(base_url=system.portal_url) as client:
            token = system.token(system.key("web", rosa["web"].address))
            headers = {"Authorization": f"Bearer {token}"}
            failed = client.get(f"/fhir/Observation?patient=rosa&code={canaries.RESULT}", headers=headers)
            assert failed.status_code == 500
            client.get(f"/fhir/Patient/{canaries.NAME}", headers=headers)


def own_database_fails(system: System, rosa: dict[str, Any]) -> None:
    """A message cannot be stored; then a turn cannot be."""
    with broken(system.folder / "chartline.db", "inbox"):
        assert rosa["web"].post(id="6f1e2b0c-5f0a-4d7e-8a49-0b7a2f5f9d01", text=canaries.WORDS).status_code == 503
        assert rosa["sms"].post(rosa["sms"].body(canaries.WORDS)).status_code == 503
        assert rosa["telegram"].post(**rosa["telegram"].message(canaries.WORDS)).status_code == 503
    with broken(system.folder / "chartline.db", "offer"):
        rosa["web"].post(id="6f1e2b0c-5f0a-4d7e-8a49-0b7a2f5f9d02", text=f"show my a1c {canaries.WORDS}")
        rosa["sms"].post(rosa["sms"].body(f"show my a1c {canaries.WORDS}"))
    rosa["web"].say("hello")


@contextmanager
def own_database_locked(system: System, rosa: dict[str, Any]) -> Iterator[None]:
    """Somebody else holds the database for longer than anybody waits; a message arrives meanwhile."""
    answers: list[int] = []

    def write() -> None:
        answers.append(rosa["sms"].post(rosa["sms"].body(canaries.WORDS)).status_code)

    with closing(sqlite3.connect(system.folder / "chartline.db", timeout=30, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        writer = threading.Thread(target=write)
        writer.start()
        yield
        writer.join()
        database.execute("ROLLBACK")
    assert answers == [503]


def targets(system: System, rosa: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Each process's address, and the headers that let a request come as far as possible."""
    token = system.token(system.key("web", rosa["web"].address))
    return {
        system.local: {},
        system.actions_url: {"Authorization": f"Bearer {system.env['CHARTLINE_ACTIONS_TOKEN']}"},
        system.portal_url: {"Authorization": f"Bearer {token}"},
    }


def nonsense(base: str, headers: dict[str, str]) -> None:
    """Addresses, methods, headers and bodies that nobody offers, with canaries in them, to one process."""
    with httpx.Client(base_url=base, headers={**headers, "X-Words": canaries.WORDS}, timeout=60) as client:
        for address in ADDRESSES:
            client.get(address)
            client.post(address, content=BROKEN[0])
        for path in ("/webhook", "/fhir/Task", "/fhir", "/oauth/token", "/webhooks/web/messages"):
            for body in BROKEN:
                client.post(path, content=body, headers={"Content-Type": "application/json"})
    raw(base, f"GET /{canaries.WORDS} HTTP/9.9\r\n\r\n".encode())
    raw(base, f"{canaries.WORDS} {EVERYTHING}\r\n\r\n".encode())
    raw(base, f"POST / HTTP/1.1\r\nContent-Length: {canaries.WORDS}\r\n{canaries.NAME}\r\n\r\n".encode())


def broken_messages(rosa: dict[str, Any]) -> None:
    """Bodies that are no message, on the channels that proved their sender."""
    for body in BROKEN:
        rosa["web"].post_raw(body)
        rosa["telegram"].post_raw(body)


def actions_raise(system: System) -> None:
    """Each action is called with a conversation that is not one: it raises, with the patient's words at hand."""
    headers = {"Authorization": f"Bearer {system.env['CHARTLINE_ACTIONS_TOKEN']}"}
    message = {"text": EVERYTHING, "entities": [{"entity": canaries.WORDS}], "metadata": canaries.WORDS, "intent": []}
    tracker = {
        "sender_id": canaries.WORDS,
        "slots": {"name": EVERYTHING},
        "latest_message": message,
        "events": EVERYTHING,
    }
    names = ("action_show_labs", "action_signed_in", "validate_refill_form", "action_list_medications", canaries.WORDS)
    statuses = []
    with httpx.Client(base_url=system.actions_url, headers=headers, timeout=60) as client:
        for name in names:
            for broken_tracker in (tracker, {**tracker, "latest_message": EVERYTHING}, EVERYTHING, None):
                call = {"next_action": name, "tracker": broken_tracker, "domain": {"responses": EVERYTHING}}
                statuses.append(client.post("/webhook", json=call).status_code)
    assert 500 in statuses


def sign_ins_fail(system: System) -> None:
    """Wrong passwords, codes and clients at the portal."""
    with httpx.Client(base_url=system.portal_url, follow_redirects=True) as client:
        for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
            form = {
                "grant_type": "authorization_code",
                "code": canaries.WORDS,
                "client_id": "chartline",
                "token": canaries.WORDS,
            }
            client.post(path, data=form)
        client.post("/account", data={"username": canaries.NAME, "password": canaries.WORDS})
        client.post("/oauth/authorize", data={"username": canaries.NAME, "password": DEMO_PASSWORD})


@contextmanager
def broken(database: Any, table: str) -> Iterator[None]:
    """A table is not where the program looks for it."""
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
        connection.execute("PRAGMA legacy_alter_table=ON")
        connection.execute(f'ALTER TABLE "{table}" RENAME TO moved_away')
        try:
            yield
        finally:
            connection.execute(f'ALTER TABLE moved_away RENAME TO "{table}"')


def raw(base: str, request: bytes) -> None:
    """Bytes that may be no HTTP."""
    parts = urlsplit(base)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
