# Secrets by their ids. Values are written and never stored: not in the state, not in a plan.

resource "google_secret_manager_secret" "this" {
  for_each = var.secrets

  secret_id = each.key
  labels    = var.labels

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_version" "this" {
  for_each = { for id, secret in var.secrets : id => secret if secret.generation > 0 }

  secret                 = google_secret_manager_secret.this[each.key].id
  secret_data_wo         = var.values[each.key]
  secret_data_wo_version = each.value.generation
  # A machine that starts while a value changes still finds the one before it.
  deletion_policy = "ABANDON"

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  readers = merge([
    for id, secret in var.secrets : { for reader in secret.readers : "${id} ${reader}" => { id = id, reader = reader } }
  ]...)
}

resource "google_secret_manager_secret_iam_member" "readers" {
  for_each = local.readers

  secret_id = google_secret_manager_secret.this[each.value.id].id
  role      = "roles/secretmanager.secretAccessor"
  member    = var.members[each.value.reader]
}
