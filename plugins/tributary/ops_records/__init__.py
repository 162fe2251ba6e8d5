"""Facts of others, Airflow and BigQuery, that the dataset `ops` keeps as rows: how long tasks took, what jobs cost."""
