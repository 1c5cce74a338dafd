"""/metadata tells the truth: all that it lists works, and nothing works that it does not list."""

import pytest
from fhir.resources.capabilitystatement import CapabilityStatement

from portal.query import REVINCLUDES
from portal.search_parameters import RESOURCE_TYPES
from tests.portal.conftest import MINIMAL

SAMPLE = {"token": "x", "string": "x", "reference": "x", "date": "2026-01-01"}


@pytest.fixture
def statement(portal):
    answer = portal.client(None).get("metadata")
    assert answer.status_code == 200
    return answer.json()


def test_it_is_valid_and_names_its_version_and_sign_in(statement):
    CapabilityStatement.parse_obj(statement)
    assert statement["fhirVersion"] == "4.0.1"
    security = statement["rest"][0]["security"]
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    uris = {found["url"]: found["valueUri"] for found in security["extension"][0]["extension"]}
    assert uris["authorize"] == "http://127.0.0.1:8000/oauth/authorize"
    assert set(uris) == {"authorize", "token", "revoke", "introspect"}


def test_the_sign_in_addresses_are_those_of_the_sign_in(portal, statement):
    from portal.app import create_app
    from portal.settings import Settings

    app = create_app(Settings(), portal.store)
    served = {route.path for route in app.routes}
    uris = statement["rest"][0]["security"]["extension"][0]["extension"]
    assert {uri["valueUri"].removeprefix("http://127.0.0.1:8000") for uri in uris} <= served


def test_every_listed_interaction_works(portal, statement):
    client = portal.system
    for listed in statement["rest"][0]["resource"]:
        name = listed["type"]
        assert [found["code"] for found in listed["interaction"]] == ["read", "search-type", "create", "update"]
        created = client.post(name, json={"resourceType": name, **MINIMAL.get(name, {})})
        assert created.status_code == 201, f"{name}: {created.text}"
        address = f"{name}/{created.json()['id']}"
        assert client.get(address).status_code == 200
        assert client.put(address, json=created.json()).status_code == 200
        assert client.get(name).json()["total"] == 1


def test_every_listed_parameter_and_include_works_and_sorts(portal, statement):
    client = portal.system
    for listed in statement["rest"][0]["resource"]:
        name = listed["type"]
        for param in listed["searchParam"]:
            for search in (f"{param['name']}={SAMPLE[param['type']]}", f"_sort=-{param['name']}"):
                answer = client.get(f"{name}?{search}")
                assert answer.status_code == 200, f"{name}?{search}: {answer.text}"
        for key, keyword in (("searchInclude", "_include"), ("searchRevInclude", "_revinclude")):
            for include in listed.get(key, []):
                assert client.get(f"{name}?{keyword}={include}").status_code == 200, include


def test_nothing_works_that_is_not_listed(portal, statement):
    client = portal.system
    listed = {found["type"]: found for found in statement["rest"][0]["resource"]}
    everything = {param for kind in RESOURCE_TYPES.values() for param in kind.params}
    all_includes = {f"{kind.name}:{param}" for kind in RESOURCE_TYPES.values() for param in kind.includes}
    for name, found in listed.items():
        for param in everything - {item["name"] for item in found["searchParam"]}:
            assert client.get(f"{name}?{param}=2026").status_code == 400, f"{name}?{param}"
        for include in all_includes - set(found.get("searchInclude", [])):
            assert client.get(f"{name}?_include={include}").status_code == 400
        for include in all_includes - set(found.get("searchRevInclude", [])):
            assert client.get(f"{name}?_revinclude={include}").status_code == 400
    for name in {"Coverage", "Group", "Bundle", "Basic"} - set(listed):
        assert client.get(name).status_code == 404
        assert client.post(name, json={"resourceType": name}).status_code == 404


def test_what_it_says_of_updates_and_conditions_is_so(portal, statement):
    client = portal.system
    listed = next(found for found in statement["rest"][0]["resource"] if found["type"] == "Patient")
    assert listed["updateCreate"] and listed["conditionalCreate"] and listed["conditionalRead"] == "not-match"
    assert not listed["conditionalUpdate"] and not listed["readHistory"]
    assert listed["conditionalDelete"] == "not-supported"
    assert client.put("Patient/p", json={"resourceType": "Patient", "id": "p"}).status_code == 201
    assert client.put("Patient?identifier=x", json={"resourceType": "Patient"}).status_code == 405
    assert client.get("Patient/p/_history").status_code == 404
    assert client.get("Patient/p/_history/1").status_code == 404
    assert client.delete("Patient/p").status_code == 405


def test_the_openapi_page_comes_from_the_same_table(portal):
    page = portal.system.get("openapi.json").json()
    for name, kind in RESOURCE_TYPES.items():
        names = {parameter["name"] for parameter in page["paths"][f"/{name}"]["get"]["parameters"]}
        assert set(kind.params) <= names
        assert set(REVINCLUDES) == set(RESOURCE_TYPES)
