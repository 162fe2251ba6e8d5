"""Rows that break a rule of the raw layer go aside, up to a share of their table that can be set.

`conditions` says in SQL which rows break a rule, `finding` collects them round by round, `limits`
holds them against the share, `moving` takes them out of raw and back, `flow` is the order of it
all, `decisions` and `cli` are for the people who look at what was set aside. No module here
imports Airflow.
"""
