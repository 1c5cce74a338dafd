"""Every seeded resource passes both validators, whatever the day."""

from collections import Counter
from datetime import datetime, timezone

import pytest
from fhir.resources import get_fhir_model_class
from pydantic import ValidationError

from portal.search_parameters import RESOURCE_TYPES
from tests.portal import fhir_schema
from tests.portal.seeded import everything, references

ODD_DAYS = [
    datetime(2028, 2, 29, 12, tzinfo=timezone.utc),  # leap day
    datetime(2027, 1, 1, 3, tzinfo=timezone.utc),  # still the old year in New York
    datetime(2027, 3, 14, 6, 30, tzinfo=timezone.utc),  # the clocks go forward
    datetime(2026, 10, 31, 23, tzinfo=timezone.utc),  # the 31st: not every month has one
]


def model_faults(resource):
    try:
        get_fhir_model_class(resource["resourceType"]).parse_obj(resource)
    except ValidationError as error:
        return [str(found["loc"]) for found in error.errors()]
    return []


def test_every_resource_passes_the_r4_json_schema():
    assert {r["id"]: found for r in everything() if (found := fhir_schema.faults(r))} == {}


def test_every_resource_passes_fhir_resources():
    assert {r["id"]: found for r in everything() if (found := model_faults(r))} == {}


@pytest.mark.parametrize("now", ODD_DAYS, ids=str)
def test_the_seed_is_valid_on_odd_days_too(now):
    assert {r["id"]: found for r in everything(now) if (found := fhir_schema.faults(r))} == {}


def test_the_schema_refuses_a_wrong_code():
    wrong = {"resourceType": "Observation", "status": "finished", "code": {"text": "Potassium"}}
    assert fhir_schema.faults(wrong)
    assert not fhir_schema.faults(wrong | {"status": "final"})


def test_the_schema_refuses_an_element_that_does_not_exist_deep_inside():
    wrong = {"resourceType": "Observation", "status": "final", "code": {"coding": [{"sytem": "http://loinc.org"}]}}
    assert fhir_schema.faults(wrong)


def test_fhir_resources_refuses_a_missing_status():
    assert model_faults({"resourceType": "Observation", "code": {"text": "Potassium"}})


def test_no_two_resources_share_an_address():
    addresses = Counter((r["resourceType"], r["id"]) for r in everything())
    assert [address for address, count in addresses.items() if count > 1] == []


def test_every_reference_leads_to_a_seeded_resource():
    known = {f"{r['resourceType']}/{r['id']}" for r in everything()}
    contained = {f"#{inner['id']}" for r in everything() for inner in r.get("contained", [])}
    dangling = {found for r in everything() for found in references(r)} - known - contained
    assert dangling == set()


def test_the_portal_serves_every_seeded_type():
    assert {r["resourceType"] for r in everything()} <= set(RESOURCE_TYPES)


def test_the_seed_stays_small():
    assert 2000 < len(everything()) < 6000
