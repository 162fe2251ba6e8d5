{{ config(alias='weather', cluster_by=['_database', 'origin', 'time_hour']) }}

{{ consolidate('flights', mart='weather') }}
