"""Acting for someone else, from the sign-in page on: who is asked whose chart, and what the app is told."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from portal.settings import SettingsError
from portal.smart import Clients
from portal.smart.settings import load_smart_settings
from tests.portal.proxy_world import Family, consent, hidden_of, offered
from tests.portal.smart_world import BACK_OFFICE_SECRET, PASSWORD, Launch, form_token_of, query_of, words_of


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return Family(tmp_path)


async def typed(launch: Launch, username: str, decision: str = "allow", **more: str) -> httpx.Response:
    """Send the sign-in page as a browser does, with every field that it carries."""
    form = hidden_of(await launch.page()) | {"username": username, "password": PASSWORD, "decision": decision} | more
    return await launch.http.post("/oauth/authorize", params=launch.params, data=form)


async def picked(launch: Launch, page: httpx.Response, patient: str, decision: str = "allow") -> httpx.Response:
    """Send the page that asks whose chart."""
    form = hidden_of(page) | {"decision": decision} | ({"patient": patient} if patient else {})
    return await launch.http.post("/oauth/authorize", params=launch.params, data=form)


async def opened(launch: Launch, answer: httpx.Response) -> tuple[str, str]:
    """The patient and the user of the token response."""
    told = (await launch.redeem(query_of(answer)["code"])).json()
    return told["patient"], told["fhirUser"]


async def test_who_may_open_several_charts_is_asked_whose_after_the_password(family: Family) -> None:
    async with family.http() as http:
        launch = Launch(http)
        page = await typed(launch, "gran")
        assert page.status_code == 200
        assert offered(page) == [("gran", True), ("kid", False), ("teen", False)]
        words = words_of(page)
        assert "Whose health record should Chartline open?" in words
        assert "My own record (Gran Delgado)" in words
        assert "Kid Delgado, age 9" in words
        assert "Teen Delgado, age 15 You may see only: visits, vaccines, name and contact details." in words
        assert PASSWORD not in page.text
        assert await opened(launch, await picked(launch, page, "kid")) == ("kid", "RelatedPerson/kid-gran")


async def test_who_may_open_one_chart_sees_no_question(family: Family) -> None:
    async with family.http() as http:
        launch = Launch(http)
        assert await opened(launch, await typed(launch, "kid")) == ("kid", "Patient/kid")


async def test_ones_own_chart_is_marked_and_is_opened_as_the_patient(family: Family) -> None:
    async with family.http() as http:
        launch = Launch(http)
        answer = await picked(launch, await typed(launch, "gran"), "gran")
        assert await opened(launch, answer) == ("gran", "Patient/gran")


async def test_a_form_that_does_not_say_it_can_be_asked_means_the_own_chart(family: Family) -> None:
    async with family.http() as http:
        launch = Launch(http)
        assert await opened(launch, await launch.answer(username="gran")) == ("gran", "Patient/gran")


async def test_a_form_may_name_the_chart_at_once_but_only_an_open_one(family: Family) -> None:
    async with family.http() as http:
        launch = Launch(http)
        answer = await launch.answer(username="gran", patient="teen")
        assert await opened(launch, answer) == ("teen", "RelatedPerson/teen-gran")
        for closed in ("man", "nobody", "../kid"):
            refused = await launch.answer(username="gran", patient=closed)
            assert refused.status_code == 403
            assert "is not open to you" in words_of(refused)
            assert [id for id, _ in offered(refused)] == ["gran", "kid", "teen"]
        lonely = await launch.answer(username="kid", patient="gran")
        assert (lonely.status_code, offered(lonely)) == (403, [("kid", True)])


async def test_the_app_may_hint_at_a_chart_which_is_then_marked_and_still_the_persons_choice(family: Family) -> None:
    async with family.http() as http:
        launch = Launch(http, patient="teen")
        page = await typed(launch, "gran")
        assert offered(page) == [("gran", False), ("kid", False), ("teen", True)]
        assert await opened(launch, await picked(launch, page, "kid")) == ("kid", "RelatedPerson/kid-gran")
        refused = await typed(Launch(http, patient="man"), "gran")
        assert refused.status_code == 403
        assert offered(refused)[0] == ("gran", True)
        own = Launch(http, patient="kid")
        assert await opened(own, await typed(own, "kid")) == ("kid", "Patient/kid")
        other = await typed(Launch(http, patient="gran"), "kid")
        assert (other.status_code, offered(other)) == (403, [("kid", True)])


async def test_a_choice_that_is_missing_or_not_open_is_asked_for_again(family: Family) -> None:
    async with family.http() as http:
        launch = Launch(http)
        again = await picked(launch, await typed(launch, "gran"), "")
        assert (again.status_code, len(offered(again))) == (200, 3)
        refused = await picked(launch, again, "man")
        assert refused.status_code == 403
        assert await opened(launch, await picked(launch, refused, "teen")) == ("teen", "RelatedPerson/teen-gran")


async def test_the_question_can_be_answered_with_no(family: Family) -> None:
    async with family.http() as http:
        launch = Launch(http)
        page = await typed(launch, "gran")
        assert query_of(await picked(launch, page, "kid", "deny"))["error"] == "access_denied"


async def test_the_ticket_of_the_question_is_good_once_in_one_browser_for_one_request_for_ten_minutes(
    family: Family,
) -> None:
    async with family.http() as http, family.http() as thief:
        launch = Launch(http)
        page = await typed(launch, "gran")
        ticket = hidden_of(page)["ticket"]
        stolen = {"form_token": form_token_of(await Launch(thief).page()), "ticket": ticket, "patient": "kid"}
        elsewhere = await thief.post("/oauth/authorize", params=launch.params, data=stolen | {"decision": "allow"})
        other = Launch(http, state="another")
        assert elsewhere.status_code == (await picked(other, page, "kid")).status_code == 403
        assert query_of(await picked(launch, page, "kid"))["code"]
        used = await picked(launch, page, "kid")
        assert used.status_code == 403
        assert "Please sign in again." in words_of(used)
        late = await typed(launch, "gran")
        family.now += 600
        assert (await picked(launch, late, "kid")).status_code == 403
        forged = await picked(launch, httpx.Response(200, text=late.text.replace(hidden_of(late)["ticket"], "")), "kid")
        assert forged.status_code == 403


async def test_a_right_that_ends_while_the_page_is_open_opens_nothing(family: Family) -> None:
    async with family.http() as http:
        launch = Launch(http)
        page = await typed(launch, "gran")
        family.related("kid", "gran", active=False)
        refused = await picked(launch, page, "kid")
        assert refused.status_code == 403
        assert "kid" not in dict(offered(refused))
        answer = await picked(launch, refused, "teen")
        family.related("teen", "gran", active=False)
        redeemed = await launch.redeem(query_of(answer)["code"])
        assert (redeemed.status_code, redeemed.json()["error"]) == (400, "invalid_grant")


async def test_a_refresh_tells_the_same_patient_and_user_and_introspection_too(family: Family) -> None:
    Clients(family.engine).add("office", [], "system/*.cruds", BACK_OFFICE_SECRET, "Back office")
    tokens = await family.tokens("gran", "kid")
    fresh = (await family.refresh(tokens)).json()
    assert (fresh["patient"], fresh["fhirUser"]) == ("kid", "RelatedPerson/kid-gran")
    async with family.http() as http:
        asked = {"token": fresh["access_token"], "client_id": "office", "client_secret": BACK_OFFICE_SECRET}
        told = (await http.post("/oauth/introspect", data=asked)).json()
        assert (told["active"], told["patient"], told["fhirUser"]) == (True, "kid", "RelatedPerson/kid-gran")
        family.related("kid", "gran", active=False)
        assert (await http.post("/oauth/introspect", data=asked)).json() == {"active": False}


async def test_the_account_page_names_whose_chart_each_app_opens_and_ends_it(family: Family) -> None:
    own, kid = await family.tokens("gran", "gran"), await family.tokens("gran", "kid")
    async with family.http() as http:
        form = {"form_token": form_token_of(await http.get("/account")), "username": "gran", "password": PASSWORD}
        await http.post("/account/sign-in", data=form)
        page = await http.get("/account")
        assert "It opens your own health record ." in words_of(page)
        assert "It opens the health record of Kid Delgado ." in words_of(page)
        family.related("kid", "gran", active=False)
        page = await http.get("/account")
        assert "that you may no longer see" in words_of(page)
        assert "Kid" not in words_of(page)
        family.related("kid", "gran")
        section = next(part for part in page.text.split("<section") if "no longer see" in part)
        grant = section.partition('name="grant" value="')[2].partition('"')[0]
        ended = {"form_token": form_token_of(page), "grant": grant}
        assert (await http.post("/account/end", data=ended)).status_code == 303
    assert (await family.ask(kid, "Patient/kid")).status_code == 401
    assert (await family.ask(own, "Patient/gran")).status_code == 200


async def test_the_configuration_claims_the_patient_context_and_no_identity_token(family: Family) -> None:
    async with family.http() as http:
        told = (await http.get("/fhir/.well-known/smart-configuration")).json()
    assert "context-standalone-patient" in told["capabilities"]
    assert "sso-openid-connect" not in told["capabilities"]
    assert not {"openid", "fhirUser"} & set(told["scopes_supported"])


async def test_an_identifier_without_a_system_and_one_of_another_system_make_nobody_a_helper(family: Family) -> None:
    for number, identifier in enumerate([{"value": "GRAN"}, {"system": "urn:other", "value": "GRAN"}]):
        family.put("Patient", id=f"child-{number}", birthDate="2018-01-01")
        of = {"reference": f"Patient/child-{number}"}
        family.put("RelatedPerson", id=f"child-{number}-gran", active=True, patient=of, identifier=[identifier])
        family.put("Consent", **consent(f"child-{number}", "gran"))
    async with family.http() as http:
        assert [id for id, _ in offered(await typed(Launch(http), "gran"))] == ["gran", "kid", "teen"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("NONE_FROM", "12"), ("NONE_FROM", "x"), ("FULL_UNDER", "-1"), ("LIMITED_TYPES", "Patient, Horoscope")],
)
def test_a_setting_that_is_wrong_is_named_at_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CHARTLINE_PORTAL_PROXY_{name}", value)
    with pytest.raises(SettingsError, match=f"^CHARTLINE_PORTAL_PROXY_{name} "):
        load_smart_settings()
