"""Tributary: every production database, one BigQuery dataset."""
