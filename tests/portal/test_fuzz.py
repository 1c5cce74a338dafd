"""Whatever is sent: never a 5xx, every refusal an OperationOutcome, every success what the standard says."""

import copy
import json
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.access import SYSTEM, Access
from portal.app import create_app
from portal.db import make_engine, migrate
from portal.search_parameters import RESOURCE_TYPES
from portal.settings import Settings
from portal.store import Store
from tests.portal.conftest import BASE, MINIMAL, Portal, install_fake

BOUNDED = settings(
    max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
JSON = {"Content-Type": "application/fhir+json"}
NAMES = st.sampled_from(sorted(RESOURCE_TYPES))
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", "a|b", "|", "a|", ",", "\\", "\\,", "Patient/1", "ge2026", "2026-02-30", "9999", "0000", "%", "'"]
    ),
    st.sampled_from(
        ["9999-12-31T23:59:60.999999999+14:00", "0001-01-01T00:00:00-14:00", "urn:uuid:x", "#", "http://[x"]
    ),
)
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False), st.sampled_from([10**39, -1, 0, 2**63, 1e300]))
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    """One portal for all examples, with one resource of each type."""
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'portal.db'}")
    migrate(engine)
    portal = Portal(create_app(Settings(base_url=BASE), Store(engine, f"{BASE}/fhir"), install_fake), None)
    portal.store = portal.app.state.store
    for name in RESOURCE_TYPES:
        portal.add(name, id="somebody")
    yield portal
    engine.dispose()


def check(answer):
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/fhir+json"
        assert answer.json()["resourceType"] == "OperationOutcome"


def test_the_openapi_page_is_fuzzed_without_a_fault(fuzzed):
    page = json.loads(fuzzed.system.get("openapi.json").content)
    schema = schemathesis.openapi.from_dict(page)
    cases = [found.ok().as_strategy() for found in schema.get_all_operations()]
    client = fuzzed.system

    @BOUNDED
    @given(st.one_of(cases))
    def run(case):
        sent = case.as_transport_kwargs(base_url=f"{BASE}/fhir")
        headers = {name: value for name, value in sent["headers"].items() if name.lower() != "user-agent"}
        content = {"json": sent["json"]} if "json" in sent else {"content": sent.get("data") or b""}
        if isinstance(content.get("content"), dict):
            content = {"data": content["content"]}
        answer = client.request(
            case.method, sent["url"], params=sent.get("params"), headers={**client.headers, **headers}, **content
        )
        check(answer)

    run()


@pytest.mark.parametrize("who", ["patient", "system"])
def test_any_search_is_answered_or_refused(fuzzed, who):
    client = fuzzed.client(SYSTEM if who == "system" else Access("somebody", frozenset({"patient/*.*"})))
    modifiers = st.sampled_from(["", "", "", ":missing", ":not", ":text", ":exact", ":Patient", ":x"])
    others = ["_id", "_sort", "_count", "_include", "_revinclude", "_summary", "_total", "_elements", "_cursor"]

    @BOUNDED
    @given(st.data(), NAMES)
    def run(data, name):
        params = st.sampled_from([*RESOURCE_TYPES[name].params, *others])
        pairs = data.draw(st.lists(st.tuples(params, modifiers, TEXTS), min_size=1, max_size=4))
        search = "&".join(f"{param}{modifier}={quote(text)}" for param, modifier, text in pairs)
        answer = client.get(
            f"{name}?{search}", headers={"Prefer": data.draw(TEXTS.filter(str.isascii).filter(str.isprintable))}
        )
        check(answer)
        if answer.status_code == 200:
            assert answer.json()["type"] == "searchset"

    run()


def places(value, path=()):
    """The path of every node inside."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def replaced(value, path, junk):
    """A copy with the node at the path replaced."""
    if not path:
        return junk
    found = copy.deepcopy(value)
    node = found
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = junk
    return found


@pytest.mark.parametrize("who", ["patient", "system"])
def test_any_change_to_a_valid_resource_is_stored_or_refused(fuzzed, who):
    client = fuzzed.client(SYSTEM if who == "system" else Access("somebody", frozenset({"patient/*.*"})))
    rich = {
        "Task": {
            "for": {"reference": "Patient/somebody"}, "authoredOn": "2026-01-01", "identifier": [{"value": "1"}],
            "code": {"coding": [{"system": "s", "code": "c", "display": "d"}], "text": "t"},
            "focus": {"reference": "MedicationRequest/somebody"},
            "input": [{"type": {"text": "x"}, "valueDecimal": 1.5}],
            "meta": {"tag": [{"code": "x"}]}, "text": {"status": "generated", "div": "<div>x</div>"},
        },
        "Communication": {"payload": [{"contentString": "x"}], "sent": "2026-01-01T10:00:00Z"},
        "Appointment": {
            "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T09:20:00Z",
            "slot": [{"reference": "Slot/somebody"}],
        },
        "Patient": {"name": [{"family": "x", "given": ["y"]}], "birthDate": "1990-01-01", "telecom": [{"value": "1"}]},
    }  # fmt: skip

    @BOUNDED
    @given(st.data(), st.sampled_from([*rich, *sorted(RESOURCE_TYPES)]), JUNK)
    def run(data, name, junk):
        resource = {"resourceType": name, **MINIMAL.get(name, {}), **rich.get(name, {})}
        body = replaced(resource, data.draw(st.sampled_from(list(places(resource)))), junk)
        content = json.dumps(body).encode()
        headers = JSON | {
            "If-None-Exist": data.draw(st.sampled_from(["", "", "identifier=1", "x", "?", "identifier=|"]))
        }
        created = client.post(name, content=content, headers=headers)
        check(created)
        if created.status_code == 201 and "r" in RESOURCE_TYPES[name].patient_may:
            assert client.get(f"{name}/{created.json()['id']}").json() == created.json()
        check(client.put(f"{name}/somebody", content=content, headers=JSON | {"If-Match": 'W/"999"'}))
        entry = {"resource": body, "request": {"method": "POST", "url": name}}
        check(
            client.post(
                "",
                content=json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}),
                headers=JSON,
            )
        )

    run()


@BOUNDED
@given(body=st.one_of(st.binary(max_size=60), JUNK.map(lambda junk: json.dumps(junk).encode())), name=NAMES)
def test_any_body_is_refused_cleanly(fuzzed, body, name):
    client = fuzzed.system
    check(client.post(name, content=body, headers=JSON))
    check(client.post(f"{name}/_search", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}))
    check(client.post("", content=body, headers=JSON))


@BOUNDED
@given(path=st.text(max_size=30), method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]))
def test_any_address_is_answered(fuzzed, path, method):
    answer = fuzzed.system.request(method, f"{BASE}/fhir/{quote(path)}")
    assert answer.status_code < 500
    if method != "HEAD":
        check(answer)
