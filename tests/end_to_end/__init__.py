"""The whole of Chartline, as processes, seen from outside."""
