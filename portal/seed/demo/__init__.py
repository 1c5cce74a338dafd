"""The demo patients: invented people whose charts show what the assistant can do, and its edge cases."""
