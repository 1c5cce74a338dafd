"""`python -m bot`: the assistant, on loopback unless told otherwise. `python -m bot letters`: dead letters."""

from __future__ import annotations

import sys

from accounts.errors import AccountsError


def main(arguments: list[str]) -> int:
    """Serve, or run the operator's command. Exit status 1 with one line where something is wrong."""
    if arguments[:1] == ["letters"]:
        return _letters(arguments[1:])
    if arguments:
        sys.exit("python -m bot: serves. python -m bot letters list|show|retry|drop: dead letters")
    _serve()
    return 0


def _letters(arguments: list[str]) -> int:
    from bot import letters_command  # without Rasa, whose import takes seconds

    try:
        return letters_command.main(arguments)
    except AccountsError as error:
        sys.exit(str(error))


def _serve() -> None:
    """Check the settings, then serve until stopped."""
    from rasa.shared.exceptions import RasaException

    from bot import logs
    from bot.model import trained_model
    from bot.server import create_app
    from bot.settings import BotSettings, read

    try:
        logs.configure()
        settings = read(BotSettings)
        trained_model(settings.models)
        app = create_app(settings)
    except (AccountsError, RasaException) as error:
        sys.exit(str(error))
    app.run(settings.host, settings.port, access_log=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
