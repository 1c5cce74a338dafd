"""The web pages of the assistant: the widget, and the pages around the portal's sign-in."""
