"""Search as http://hl7.org/fhir/R4/search.html says."""

from urllib.parse import urlencode

import pytest

LAB = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
VITAL = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def ids(portal, search, client=None):
    """The ids of all matches, in order, following the next links."""
    client = client or portal.system
    found = []
    while search:
        answer = client.get(search)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        found += [e["resource"]["id"] for e in bundle.get("entry", []) if e["search"]["mode"] == "match"]
        search = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
        assert len(found) <= 1000, "the pages go round in a circle"
    return found


def included(portal, search, client=None):
    entries = (client or portal.system).get(search).json().get("entry", [])
    return {
        f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in entries if e["search"]["mode"] == "include"
    }


def refused(portal, search):
    answer = portal.system.get(search)
    assert answer.json()["resourceType"] == "OperationOutcome"
    return answer.status_code


@pytest.fixture
def labs(portal, add):
    """Ten labs and three vitals of p1, one lab of p2."""
    for id in ("p1", "p2"):
        add("Patient", id=id)
    subject = {"reference": "Patient/p1"}
    for day in range(1, 11):
        add("Observation", id=f"l{day}", subject=subject, category=[LAB], effectiveDateTime=f"2026-03-{day:02}")
    for day in range(1, 4):
        add("Observation", id=f"v{day}", subject=subject, category=[VITAL], effectiveDateTime=f"2026-03-{day:02}")
    add("Observation", id="other", subject={"reference": "Patient/p2"}, category=[LAB], effectiveDateTime="2026-03-05")
    return portal


def test_the_latest_labs_of_a_patient_come_first(labs):
    bundle = labs.system.get("Observation?patient=p1&category=laboratory&_sort=-date&_count=3").json()
    assert [e["resource"]["id"] for e in bundle["entry"]] == ["l10", "l9", "l8"]
    assert "total" not in bundle


def test_pages_follow_one_another_without_gap_or_repeat(labs):
    expected = [f"l{day}" for day in range(10, 0, -1)]
    for count in (1, 3, 4, 10, 50):
        assert ids(labs, f"Observation?patient=p1&category=laboratory&_sort=-date&_count={count}") == expected
    assert ids(labs, "Observation?patient=p1&category=laboratory&_sort=date&_count=3") == expected[::-1]


def test_pages_go_on_where_they_were_while_data_is_added(labs, add):
    first = labs.system.get("Observation?patient=p1&category=laboratory&_sort=-date&_count=4").json()
    for day in (20, 21):
        add("Observation", subject={"reference": "Patient/p1"}, category=[LAB], effectiveDateTime=f"2026-03-{day}")
    following = next(link["url"] for link in first["link"] if link["relation"] == "next")
    assert ids(labs, following) == ["l6", "l5", "l4", "l3", "l2", "l1"]


def test_a_page_link_that_was_changed_or_belongs_to_another_search_is_refused(labs):
    search = "Observation?patient=p1&_sort=-date&_count=4"
    following = next(link["url"] for link in labs.system.get(search).json()["link"] if link["relation"] == "next")
    cursor = following.rpartition("_cursor=")[2]
    for position in range(0, len(cursor), 5):
        changed = cursor[:position] + ("A" if cursor[position] != "A" else "B") + cursor[position + 1 :]
        assert refused(labs, f"{search}&_cursor={changed}") == 400
    assert refused(labs, f"Observation?patient=p2&_sort=-date&_cursor={cursor}") == 400
    for nonsense in ("x", "%C3%A9", "===", "AAAAAAAAAAAAAAAAAAAAAAAA"):
        assert refused(labs, f"{search}&_cursor={nonsense}") == 400


def test_the_order_may_be_any_parameter_and_several(portal, add):
    for number, (family, day) in enumerate([("Ng", "1990-01-02"), ("Abe", "1980-01-01"), ("Ng", "1970-01-01")]):
        add("Patient", id=f"p{number}", name=[{"family": family}], birthDate=day)
    for count in (1, 2, 50):
        assert ids(portal, f"Patient?_sort=family,-birthdate&_count={count}") == ["p1", "p0", "p2"]
        assert ids(portal, f"Patient?_sort=-family,birthdate&_count={count}") == ["p2", "p0", "p1"]
        assert ids(portal, f"Patient?_sort=_id&_count={count}") == ["p0", "p1", "p2"]
        assert ids(portal, f"Patient?_sort=-_lastUpdated&_count={count}") == ["p2", "p1", "p0"]


def test_what_has_no_date_comes_last_when_the_newest_come_first(portal, add):
    add("Observation", id="undated")
    add("Observation", id="dated", effectiveDateTime="1999")
    assert ids(portal, "Observation?_sort=-date&_count=1") == ["dated", "undated"]
    assert ids(portal, "Observation?date:missing=true") == ["undated"]
    assert ids(portal, "Observation?date=ge1900") == ["dated"]
    assert ids(portal, "Observation?date=lt3000") == ["dated"]


# What is on file: a day, a minute, an instant, a period with both ends, and one without an end.
DATES = {
    "day": {"effectiveDateTime": "2026-03-10"},
    "noon": {"effectiveDateTime": "2026-03-10T12:00:00Z"},
    "east": {"effectiveInstant": "2026-03-11T01:30:00.500+02:00"},
    "week": {"effectivePeriod": {"start": "2026-03-08", "end": "2026-03-14"}},
    "open": {"effectivePeriod": {"start": "2026-03-09"}},
}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("2026-03-10", "day noon east"),
        ("eq2026-03", "day noon east week"),
        ("2026", "day noon east week"),
        ("2026-03-10T12:00Z", "noon"),
        ("2026-03-10T12:00:00.000Z", ""),
        ("2026-03-10T23:30:00.500Z", "east"),
        ("2026-03-11T01:30:00.5%2B02:00", "east"),
        ("ne2026-03-10", "week open"),
        ("gt2026-03-10", "week open"),
        ("ge2026-03-10", "day noon east week open"),
        ("gt2026-03-14", "open"),
        ("lt2026-03-09", "week"),
        ("lt2026-03-10", "week open"),
        ("le2026-03-09", "week open"),
        ("sa2026-03-08", "day noon east open"),
        ("eb2026-03-15", "day noon east week"),
        ("eb2026-03-11", "day noon east"),
        ("2026-03-10,eb2026-03-15", "day noon east week"),
    ],
)
def test_dates_compare_as_the_intervals_that_they_stand_for(portal, add, asked, expected):
    for id, effective in DATES.items():
        add("Observation", id=id, **effective)
        document = next(iter(effective.values()))
        period = document if isinstance(document, dict) else {"start": document, "end": document}
        add("DocumentReference", id=id, context={"period": period})
    assert set(ids(portal, f"Observation?date={asked}")) == set(expected.split())
    if "T" not in asked:  # the same comparison where the date is not the one that the type is laid out for
        assert set(ids(portal, f"DocumentReference?period={asked}")) == set(expected.split())


def test_several_dates_narrow_each_other(labs):
    search = "Observation?patient=p1&category=laboratory&date=ge2026-03-04&date=le2026-03-06&_sort=date"
    assert ids(labs, search) == ["l4", "l5", "l6"]


@pytest.mark.parametrize("bad", ["yesterday", "2026-13", "2026-02-30", "xx2026", "2026-03-10T25:00", "20260310", "ge"])
def test_what_is_no_date_is_refused(portal, bad):
    assert refused(portal, f"Observation?date={bad}") == 400


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("a|1", "one"),
        ("1", "one bare"),
        ("|1", "bare"),
        ("a|", "one two"),
        ("a|1,a|2", "one two"),
        ("b|1", ""),
        ("A|1", ""),
    ],
)
def test_tokens_are_found_by_system_and_code(portal, add, asked, expected):
    add("Task", id="one", identifier=[{"system": "a", "value": "1"}])
    add("Task", id="two", identifier=[{"system": "a", "value": "2"}])
    add("Task", id="bare", identifier=[{"value": "1"}])
    assert set(ids(portal, f"Task?{urlencode({'identifier': asked})}")) == set(expected.split())


def test_token_modifiers_not_text_and_missing(portal, add):
    add("Task", id="done", status="completed", code={"text": "Refill of Água"})
    add("Task", id="new", status="requested")
    assert ids(portal, "Task?status:not=completed") == ["new"]
    assert ids(portal, "Task?code:text=refill of agua") == ["done"]
    assert ids(portal, "Task?code:text=agua") == []
    assert ids(portal, "Task?identifier:missing=false") == []
    assert set(ids(portal, "Task?identifier:missing=true")) == {"done", "new"}


def test_a_long_identifier_is_found_whole_and_not_by_its_beginning(portal, add):
    long = "x" * 3000
    add("Task", id="t", identifier=[{"system": "urn:" + long, "value": long}])
    assert ids(portal, f"Task?identifier={long}") == ["t"]
    assert ids(portal, f"Task?identifier=urn:{long}|{long}") == ["t"]
    assert ids(portal, f"Task?identifier={long}y") == []


def test_booleans_and_codes_are_tokens(portal, add):
    add("Patient", id="p", active=True, gender="female")
    assert ids(portal, "Patient?active=true&gender=female") == ["p"]
    assert ids(portal, "Patient?active=false") == []


@pytest.mark.parametrize("asked", ["Patient/p1", "p1", "http://127.0.0.1:8000/fhir/Patient/p1"])
def test_references_are_found_by_each_of_their_forms(labs, asked):
    assert len(ids(labs, f"Observation?patient={asked}&category=laboratory")) == 10
    assert len(ids(labs, f"Observation?subject={asked}&category=laboratory")) == 10


def test_a_reference_may_name_its_type_as_a_modifier(portal, add):
    add("Practitioner", id="d1")
    add("MedicationRequest", id="m1", requester={"reference": "Practitioner/d1"})
    assert ids(portal, "MedicationRequest?requester:Practitioner=d1") == ["m1"]
    assert ids(portal, "MedicationRequest?requester:Organization=d1") == []
    assert ids(portal, "MedicationRequest?requester=Practitioner/d1") == ["m1"]
    assert ids(portal, "MedicationRequest?requester=Organization/d1") == []
    assert refused(portal, "MedicationRequest?requester:Observation=d1") == 400
    assert refused(portal, "MedicationRequest?requester:identifier=d1") == 400


def test_strings_match_from_their_beginning_without_case_and_accents(portal, add):
    add("Patient", id="p", name=[{"family": "Müller-Lüdenscheidt", "given": ["José", "Anna"]}])
    for asked in ("muller", "MÜLLER", "jose", "Ann", "müller-lü"):
        assert ids(portal, f"Patient?name={asked}") == ["p"], asked
    for asked in ("ller", "nna", "jose anna"):
        assert ids(portal, f"Patient?name={asked}") == [], asked
    assert ids(portal, "Patient?given:exact=José") == ["p"]
    assert ids(portal, "Patient?given:exact=jose") == []
    assert ids(portal, "Patient?family=mull&given=anna,bert") == ["p"]


def test_wildcards_of_the_database_are_plain_characters(portal, add):
    add("Organization", id="o", name="100% Health")
    assert ids(portal, "Organization?name=100%25") == ["o"]
    assert ids(portal, "Organization?name=1__%25") == []
    assert ids(portal, "Organization?name=%25") == []


def test_an_escaped_comma_belongs_to_the_value(portal, add):
    add("Organization", id="o", name="Smith, Jones")
    assert ids(portal, "Organization?name=smith\\, jones") == ["o"]


def test_values_separated_by_commas_are_alternatives_in_one_order(labs):
    search = "Observation?patient=p1&category=laboratory,vital-signs&_sort=-date&_count=4"
    found = ids(labs, search)
    assert len(found) == len(set(found)) == 13
    assert found[:7] == ["l10", "l9", "l8", "l7", "l6", "l5", "l4"]


def test_a_resource_that_matches_two_alternatives_comes_once(portal, add):
    add("Observation", id="both", category=[LAB, VITAL])
    add("Observation", id="two-systems", category=[{"coding": [{"system": s, "code": "x"} for s in "ab"]}])
    assert ids(portal, "Observation?category=laboratory,vital-signs") == ["both"]
    assert ids(portal, "Observation?category=x&_count=1") == ["two-systems"]
    assert portal.system.get("Observation?category=x&_summary=count").json()["total"] == 1


def test_ids_and_the_time_of_the_last_change_are_searched(labs):
    assert set(ids(labs, "Observation?_id=l1,v1,nope")) == {"l1", "v1"}
    assert ids(labs, "Observation?_id=l1&category=vital-signs") == []
    assert len(ids(labs, "Observation?_lastUpdated=ge2026-01-01")) == 14
    assert ids(labs, "Observation?_lastUpdated=lt2020-01-01") == []
    assert len(ids(labs, "Patient?_lastUpdated=gt2020-01-01")) == 2


def test_counts_and_totals(labs):
    count = labs.system.get("Observation?patient=p1&_summary=count").json()
    assert (count["total"], count.get("entry")) == (13, None)
    assert labs.system.get("Observation?patient=p1&_count=0").json()["total"] == 13
    page = labs.system.get("Observation?patient=p1&category=laboratory&_count=2&_total=accurate").json()
    assert (page["total"], len(page["entry"])) == (10, 2)
    assert labs.system.get("Observation?patient=p1&category=laboratory").json()["total"] == 10


def test_only_the_wanted_elements_are_sent_and_marked_as_a_subset(labs):
    found = labs.system.get("Observation?_id=l1&_elements=status").json()["entry"][0]["resource"]
    assert set(found) == {"resourceType", "id", "meta", "status"}
    assert found["meta"]["tag"][-1]["code"] == "SUBSETTED"


def test_a_search_can_be_posted_as_a_form(labs):
    form = urlencode({"patient": "p1", "category": "laboratory", "_count": "3"})
    answer = labs.system.post("Observation/_search", content=form, headers=HEADERS)
    assert [e["resource"]["id"] for e in answer.json()["entry"]] == ["l10", "l9", "l8"]


def test_includes_follow_references_in_both_directions(portal, add):
    add("Practitioner", id="d")
    add("MedicationRequest", id="m", requester={"reference": "Practitioner/d"})
    add("MedicationDispense", id="f", authorizingPrescription=[{"reference": "MedicationRequest/m"}])
    assert included(portal, "MedicationRequest?_include=MedicationRequest:requester") == {"Practitioner/d"}
    assert included(portal, "MedicationRequest?_include=MedicationRequest:requester:Practitioner") == {"Practitioner/d"}
    assert included(portal, "MedicationRequest?_include=MedicationRequest:requester:Organization") == set()
    both = "_include=MedicationRequest:requester&_revinclude=MedicationDispense:prescription"
    assert included(portal, f"MedicationRequest?{both}") == {"Practitioner/d", "MedicationDispense/f"}
    assert included(portal, "MedicationDispense?_include=MedicationDispense:prescription") == {"MedicationRequest/m"}


def test_an_include_that_is_itself_a_match_comes_once(portal, add):
    add("Task", id="a")
    add("Task", id="b", partOf=[{"reference": "Task/a"}])
    bundle = portal.system.get("Task?_include=Task:part-of").json()
    assert sorted(e["resource"]["id"] for e in bundle["entry"]) == ["a", "b"]


@pytest.mark.parametrize(
    "search",
    [
        "Observation?nonsense=1", "Observation?patient:of-type=1", "Observation?_sort=nonsense", "Observation?_count=x",
        "Observation?_count=-1", "Observation?_include=nonsense", "Observation?_include=Task:focus",
        "Observation?_include=Observation:status", "Observation?_include:iterate=Observation:has-member",
        "Observation?_summary=true", "Observation?patient.name=x", "Observation?_has:Task:focus:status=x",
        "Observation?status=", "Observation?status=final,", "Observation?date:exact=2026", "Observation?_revinclude=x",
        "Patient?name:contains=x", "Observation?status%00=1", "Observation?status=%00", "Observation?status=%FF",
        f"Observation?_id={','.join('x' * 101)}",
    ],
)  # fmt: skip
def test_what_is_unknown_or_malformed_is_refused(portal, search):
    assert refused(portal, search) == 400


def test_an_unknown_parameter_is_ignored_where_the_client_asks_for_leniency(labs):
    lenient = {"Prefer": "handling=lenient"}
    bundle = labs.system.get("Observation?nonsense=1&category=vital-signs", headers=lenient).json()
    assert bundle["total"] == 3
    assert "nonsense" not in bundle["link"][0]["url"]


def test_two_patients_narrow_to_nothing_and_alternatives_widen(labs):
    assert ids(labs, "Observation?patient=p1&patient=p2") == []
    assert len(ids(labs, "Observation?patient=p1,p2&category=laboratory")) == 11
    assert ids(labs, "Observation?patient=nobody") == []
