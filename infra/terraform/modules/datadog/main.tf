# What infra/datadog describes, made in Datadog. The files are the bodies of Datadog's API; only the environment is put in.

locals {
  folder   = "${path.module}/../../../datadog"
  monitors = { for file in fileset(local.folder, "monitors/*.json") : trimsuffix(basename(file), ".json") => jsondecode(replace(file("${local.folder}/${file}"), "env:prod", "env:${var.environment}")) }
  slos     = { for file in fileset(local.folder, "slos/*.json") : trimsuffix(basename(file), ".json") => jsondecode(replace(file("${local.folder}/${file}"), "env:prod", "env:${var.environment}")) }
}

resource "datadog_dashboard_json" "this" {
  for_each = fileset(local.folder, "dashboards/*.json")

  dashboard = file("${local.folder}/${each.key}")
}

resource "datadog_monitor" "this" {
  for_each = local.monitors

  name     = each.value.name
  type     = each.value.type
  query    = each.value.query
  message  = each.value.message
  tags     = each.value.tags
  priority = each.value.priority

  include_tags        = each.value.options.include_tags
  require_full_window = each.value.options.require_full_window
  notify_audit        = each.value.options.notify_audit
  notify_no_data      = each.value.options.notify_no_data
  no_data_timeframe   = lookup(each.value.options, "no_data_timeframe", null)
  renotify_interval   = each.value.options.renotify_interval

  monitor_thresholds {
    critical = each.value.options.thresholds.critical
    warning  = lookup(each.value.options.thresholds, "warning", null)
  }
}

resource "datadog_service_level_objective" "this" {
  for_each = local.slos

  name        = each.value.name
  type        = each.value.type
  description = each.value.description
  tags        = each.value.tags

  dynamic "thresholds" {
    for_each = each.value.thresholds

    content {
      timeframe = thresholds.value.timeframe
      target    = thresholds.value.target
      warning   = thresholds.value.warning
    }
  }

  dynamic "query" {
    for_each = each.value.type == "metric" ? [each.value.query] : []

    content {
      numerator   = query.value.numerator
      denominator = query.value.denominator
    }
  }

  dynamic "sli_specification" {
    for_each = each.value.type == "time_slice" ? [each.value.sli_specification.time_slice] : []

    content {
      time_slice {
        comparator             = sli_specification.value.comparator
        threshold              = sli_specification.value.threshold
        query_interval_seconds = sli_specification.value.query_interval_seconds

        query {
          formula {
            formula_expression = one(sli_specification.value.query.formulas).formula
          }

          query {
            metric_query {
              data_source = one(sli_specification.value.query.queries).data_source
              name        = one(sli_specification.value.query.queries).name
              query       = one(sli_specification.value.query.queries).query
            }
          }
        }
      }
    }
  }
}
