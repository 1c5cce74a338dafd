"""Custom actions: they ask the portal, decide, and report an outcome. The words stand in `domain/`."""
