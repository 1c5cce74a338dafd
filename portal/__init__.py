"""The embedded patient portal: a small FHIR R4 server with SMART on FHIR sign-in. It knows nothing of the bot."""
