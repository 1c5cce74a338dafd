"""The running system for attacks, started once, with canaries in every field that a patient or a clinic fills."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.security import canaries
from tests.system import Phone, System, TelegramChat, WebChat, running


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Portal, actions and assistant, all of them at the most talkative level that an operator can set."""
    with running(tmp_path_factory.mktemp("security"), canaries.plant) as started:
        yield started


@pytest.fixture(scope="session")
def rosa(system: System) -> dict[str, Phone | TelegramChat | WebChat]:
    """Rosa, signed in on each channel, who agreed to read details on her phone."""
    people: dict[str, Phone | TelegramChat | WebChat] = {
        "sms": Phone(system, canaries.PHONE),
        "telegram": TelegramChat(system, canaries.TELEGRAM_ID),
        "web": WebChat(system),
    }
    for channel, person in people.items():
        person.say("hello")
        system.sign_in(system.key(channel, person.address), "rosa", details=channel != "web")
    return people


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The canaries come last, so that what the attacks made the processes write is searched, too."""
    items.sort(key=lambda item: "test_canaries" in item.nodeid)
