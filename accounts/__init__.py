"""Who is on the other end: conversations, one-time sign-in links, and the grants that a patient gave at the portal.

Both the assistant and the action server use this room, each with its own `Accounts` made by `accounts.bootstrap`.
"""
