"""Health data goes only to the person it belongs to, shown on the running system. README.md here is the index."""
