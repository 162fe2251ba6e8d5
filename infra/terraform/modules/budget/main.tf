# Mails before money runs out, and when a machine or a database needs a look. What the pipeline itself has to say comes
# by Slack and Datadog.

data "google_project" "this" {
  project_id = var.project
}

resource "google_monitoring_notification_channel" "mail" {
  display_name = "Tributary"
  type         = "email"
  labels       = { email_address = var.email }
}

resource "google_billing_budget" "this" {
  billing_account = var.billing_account
  display_name    = "Tributary (${var.project})"

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      units = tostring(floor(var.amount))
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]

    content {
      threshold_percent = threshold_rules.value
    }
  }

  # What the month will come to as it goes now.
  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = [google_monitoring_notification_channel.mail.id]
    disable_default_iam_recipients   = true
  }
}

resource "google_monitoring_alert_policy" "machine_gone" {
  display_name          = "Tributary: a machine is gone"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.mail.id]

  conditions {
    display_name = "no sign of life for 10 minutes"

    condition_absent {
      filter   = "resource.type = \"gce_instance\" AND metric.type = \"compute.googleapis.com/instance/uptime\" AND metric.labels.instance_name = one_of(\"tributary-airflow\", \"tributary-airbyte\")"
      duration = "600s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.labels.instance_name"]
      }
    }
  }

  documentation {
    content = "Start it again: `gcloud compute instances start NAME`. Runs that were under way go on by themselves."
  }
}

resource "google_monitoring_alert_policy" "disk_full" {
  display_name          = "Tributary: a database's disk is nearly full"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.mail.id]

  conditions {
    display_name = "more than 98 % for 15 minutes"

    # Cloud SQL enlarges a disk when little of it is free (25 GB at most): that a large one is fuller than 90 % is as it should be.
    condition_threshold {
      filter          = "resource.type = \"cloudsql_database\" AND metric.type = \"cloudsql.googleapis.com/database/disk/utilization\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0.98
      duration        = "900s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MEAN"
      }
    }
  }

  documentation {
    content = "Cloud SQL enlarges disks by itself; that it did not keep up means that it reached its limit or grows too fast."
  }
}
