{{ config(alias='airports', cluster_by=['_database', 'faa']) }}

{{ consolidate('flights', mart='airports') }}
