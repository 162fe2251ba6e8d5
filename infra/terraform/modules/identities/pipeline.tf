# No predefined role is as small as what the pipeline needs of the project as a whole.
resource "google_project_iam_custom_role" "pipeline" {
  role_id     = "tributaryPipeline"
  title       = "Tributary pipeline"
  description = "Run BigQuery jobs, see what all cost, make a dataset for each published version, look at Cloud SQL."
  permissions = [
    "bigquery.datasets.create",
    "bigquery.jobs.create",
    "bigquery.jobs.listAll",
    "cloudsql.instances.get",
    "cloudsql.instances.list", # the operations of an instance: cloud.google.com/sql/docs/mysql/iam-permissions
  ]
}

resource "google_project_iam_custom_role" "imports" {
  role_id     = "tributaryImports"
  title       = "Tributary imports"
  description = "Import a dump into a Cloud SQL instance."
  permissions = ["cloudsql.instances.import"]
}

# dbt tags the personal columns of what it builds, the pipeline those of what it publishes.
resource "google_project_iam_custom_role" "tags" {
  role_id     = "tributaryTags"
  title       = "Tributary tags"
  description = "Put a policy tag on a BigQuery column."
  permissions = ["bigquery.tables.setCategory"]
}

resource "google_project_iam_member" "tags" {
  for_each = toset(["airflow", "transform"])

  project = var.project
  role    = google_project_iam_custom_role.tags.id
  member  = local.members[each.value]

  depends_on = [google_service_account.this]
}

resource "google_project_iam_member" "pipeline" {
  project = var.project
  role    = google_project_iam_custom_role.pipeline.id
  member  = local.members["airflow"]

  depends_on = [google_service_account.this]
}

resource "google_project_iam_member" "imports" {
  project = var.project
  role    = google_project_iam_custom_role.imports.id
  member  = local.members["airflow"]

  # Not into Airflow's own database. https://cloud.google.com/sql/docs/mysql/iam-conditions
  condition {
    title      = "import_instances"
    expression = join(" || ", [for name in var.import_instances : "resource.name == \"projects/${var.project}/instances/${name}\""])
  }

  depends_on = [google_service_account.this]
}
