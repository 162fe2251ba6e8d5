"""Data quality: rules for tables, and the checkpoint that holds a dataset against them.

`suites` reads the rules that people write, `contract_rules` derives those that follow from the
contract, `checkpoint` runs both with Great Expectations and `results` says what came of it.
No module here imports Airflow, and importing one does not import Great Expectations (7 CPU-seconds).
"""
