"""Builders: compact, readable specs in, US Core shaped FHIR R4 resources out."""
