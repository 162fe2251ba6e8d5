# The datasets of the registry, by the names that plugins/tributary/naming.py gives them. Every list of access is whole:
# what is not in it, and is no owner of the project, gets in nowhere.

locals {
  day_ms = 24 * 60 * 60 * 1000

  shared = {
    "consolidated"        = { kind = "consolidated", days = 0, description = "All databases together, as published." }
    "consolidated__audit" = { kind = "audit", days = var.audit_keep_days, description = "Built and checked before it is published." }
    "ops"                 = { kind = "ops", days = 0, description = "What the pipeline did: runs, ledger, quality, costs, alerts." }
    "airbyte_internal"    = { kind = "loader", days = 7, description = "Airbyte's working tables." }
  }
}

resource "google_bigquery_dataset" "database" {
  #checkov:skip=CKV_GCP_81:Encrypted with Google's keys; a key of one's own is set for the project as a default.
  for_each = toset(var.databases)

  dataset_id  = each.key
  location    = var.location
  description = "Staging views and marts of ${each.key}."
  labels      = merge(var.labels, { database = each.key, layer = "database" })

  access {
    role          = "OWNER"
    special_group = "projectOwners"
  }

  dynamic "access" {
    for_each = local.access["database"]

    content {
      role           = access.value.role
      user_by_email  = access.value.user
      group_by_email = access.value.group
    }
  }
}

resource "google_bigquery_dataset" "raw" {
  #checkov:skip=CKV_GCP_81:Encrypted with Google's keys; a key of one's own is set for the project as a default.
  for_each = toset(var.databases)

  dataset_id  = "raw__${each.key}"
  location    = var.location
  description = "The tables of ${each.key} as Airbyte wrote them."
  labels      = merge(var.labels, { database = each.key, layer = "raw" })

  # Airbyte partitions its tables by the day of the sync, so that rows expire that no sync has renewed; the rest is
  # for tables without partitions.
  default_partition_expiration_ms = var.raw_keep_days * local.day_ms
  default_table_expiration_ms     = var.raw_keep_days * local.day_ms

  access {
    role          = "OWNER"
    special_group = "projectOwners"
  }

  # Authorised: the staging views of the database read it for everybody who may read the views.
  access {
    dataset {
      target_types = ["VIEWS"]

      dataset {
        project_id = var.project
        dataset_id = each.key
      }
    }
  }

  dynamic "access" {
    for_each = local.access["raw"]

    content {
      role           = access.value.role
      user_by_email  = access.value.user
      group_by_email = access.value.group
    }
  }

  depends_on = [google_bigquery_dataset.database]
}

resource "google_bigquery_dataset" "quarantine" {
  #checkov:skip=CKV_GCP_81:Encrypted with Google's keys; a key of one's own is set for the project as a default.
  for_each = toset(var.databases)

  dataset_id  = "quarantine__${each.key}"
  location    = var.location
  description = "Rows of ${each.key} that broke a rule and were set aside until a person decides."
  labels      = merge(var.labels, { database = each.key, layer = "quarantine" })

  access {
    role          = "OWNER"
    special_group = "projectOwners"
  }

  dynamic "access" {
    for_each = local.access["quarantine"]

    content {
      role           = access.value.role
      user_by_email  = access.value.user
      group_by_email = access.value.group
    }
  }
}

resource "google_bigquery_dataset" "shared" {
  #checkov:skip=CKV_GCP_81:Encrypted with Google's keys; a key of one's own is set for the project as a default.
  for_each = local.shared

  dataset_id                  = each.key
  location                    = var.location
  description                 = each.value.description
  labels                      = merge(var.labels, { layer = each.value.kind })
  default_table_expiration_ms = each.value.days == 0 ? null : each.value.days * local.day_ms

  access {
    role          = "OWNER"
    special_group = "projectOwners"
  }

  dynamic "access" {
    for_each = local.access[each.value.kind]

    content {
      role           = access.value.role
      user_by_email  = access.value.user
      group_by_email = access.value.group
    }
  }
}
