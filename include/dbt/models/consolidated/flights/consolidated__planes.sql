{{ config(alias='planes', cluster_by=['_database', 'tailnum']) }}

{{ consolidate('flights', mart='planes') }}
