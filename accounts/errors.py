"""What can be wrong with who is on the other end.

AccountsError
├── SettingsError    a setting is missing or wrong; the text names it (start-up only)
├── StateError       the database cannot be used: corrupt, or newer than this program (start-up only)
├── NotSignedIn      this conversation is not linked to a chart
│   └── GrantEnded   it was, but the portal no longer accepts it: expired or revoked
├── AccessNotLogged  a look into a chart could not be written down: nothing of it may be told
├── LinkInvalid      a sign-in link is unknown, used, too old, or from elsewhere
└── SignInFailed     the portal did not give a grant; `reason` is one of its OAuth error codes
"""

from __future__ import annotations


class AccountsError(Exception):
    """Base of everything in this room."""


class SettingsError(AccountsError):
    """A setting is missing or wrong. The text names the variable and never its value."""


class StateError(AccountsError):
    """The database cannot be used. The text says what to do."""


class NotSignedIn(AccountsError):
    """This conversation is not linked to a chart."""


class GrantEnded(NotSignedIn):
    """It was linked, but the grant expired or was revoked."""


class AccessNotLogged(AccountsError):
    """A look into a chart could not be written down: nothing of it may be told."""


class LinkInvalid(AccountsError):
    """The link is unknown, used, too old, or opened from elsewhere. Which one is not told."""


class SignInFailed(AccountsError):
    """The portal gave no grant. `reason` is an OAuth error code (RFC 6749, 4.1.2.1 and 5.2) or `unreachable`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
