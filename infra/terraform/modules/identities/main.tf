# One account for each thing that acts, with the least that it needs. There are no keys: machines have their account by
# the metadata server, GitHub by workload identity. Rights on one thing (a dataset, bucket, secret) are given beside it.

locals {
  accounts = {
    airflow   = "Runs the pipeline: Airflow's machine and its workers."
    airbyte   = "Airbyte's machine: writes the raw datasets."
    transform = "dbt: reads raw, builds the databases' datasets and consolidated__audit."
    deploy    = "GitHub's workflows: push the image, deploy it."
  }

  # Known before they exist: a plan, and the test of who may do what, can name them.
  emails  = { for name, does in local.accounts : name => "tributary-${name}@${var.project}.iam.gserviceaccount.com" }
  members = { for name, email in local.emails : name => "serviceAccount:${email}" }

  # What a machine says about itself: what its start script printed, and on Airbyte's what the Ops Agent collects.
  agents = {
    "airflow logs"    = { account = "airflow", role = "roles/logging.logWriter" }
    "airbyte logs"    = { account = "airbyte", role = "roles/logging.logWriter" }
    "airbyte metrics" = { account = "airbyte", role = "roles/monitoring.metricWriter" }
  }
}

resource "google_service_account" "this" {
  for_each = local.accounts

  account_id   = "tributary-${each.key}"
  display_name = "Tributary: ${each.key}"
  description  = each.value
}

# Accounts that Google makes by itself are Editors of the project, and could read everything.
resource "google_project_default_service_accounts" "this" {
  project = var.project
  action  = "DEPRIVILEGE"
}

resource "google_project_iam_member" "agents" {
  for_each = local.agents

  project = var.project
  role    = each.value.role
  member  = local.members[each.value.account]

  depends_on = [google_service_account.this]
}

resource "google_project_iam_member" "run_jobs" {
  for_each = {
    loader      = local.members["airbyte"]
    transformer = local.members["transform"]
    analysts    = "group:${var.groups["analysts"]}"
    engineers   = "group:${var.groups["engineers"]}"
  }

  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = each.value

  depends_on = [google_service_account.this]
}

# dbt runs on Airflow's machine, and there with an account that can do less: it writes neither raw nor what is published.
resource "google_service_account_iam_member" "airflow_becomes_transform" {
  service_account_id = google_service_account.this["transform"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.members["airflow"]

  depends_on = [google_service_account.this]
}
