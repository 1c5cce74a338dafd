"""`python -m bot`: the assistant, on loopback unless told otherwise."""

from __future__ import annotations

import sys

from rasa.shared.exceptions import RasaException

from accounts.errors import AccountsError
from bot import logs
from bot.model import trained_model
from bot.server import create_app
from bot.settings import BotSettings, read


def main() -> None:
    """Check the settings, then serve until stopped. Exit status 1 with one line where something is wrong."""
    try:
        logs.configure()
        settings = read(BotSettings)
        trained_model(settings.models)
        app = create_app(settings)
    except (AccountsError, RasaException) as error:
        sys.exit(str(error))
    app.run(settings.host, settings.port, access_log=False)


if __name__ == "__main__":
    main()
