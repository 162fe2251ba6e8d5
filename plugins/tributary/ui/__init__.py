"""The pages inside Airflow: what is loaded, what is late, what failed, and the way back from it."""
