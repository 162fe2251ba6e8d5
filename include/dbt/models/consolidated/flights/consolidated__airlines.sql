{{ config(alias='airlines', cluster_by=['_database', 'carrier']) }}

{{ consolidate('flights', mart='airlines') }}
