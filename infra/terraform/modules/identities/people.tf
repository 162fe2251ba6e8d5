# Engineers sign in to the machines through IAP with their own Google account (OS Login), and may become root there.
resource "google_project_iam_member" "engineers" {
  for_each = toset([
    "roles/compute.osAdminLogin",
    "roles/compute.viewer",
    "roles/iap.tunnelResourceAccessor",
    "roles/logging.viewer",
    "roles/monitoring.viewer",
  ])

  project = var.project
  role    = each.key
  member  = "group:${var.groups["engineers"]}"
}

# To see what Cloud SQL does. Not roles/cloudsql.viewer, which may export every row of a database to a bucket.
resource "google_project_iam_custom_role" "engineers" {
  role_id     = "tributaryEngineers"
  title       = "Tributary engineers"
  description = "Look at Cloud SQL instances and their operations."
  permissions = ["cloudsql.instances.get", "cloudsql.instances.list"]
}

resource "google_project_iam_member" "engineers_look_at_sql" {
  project = var.project
  role    = google_project_iam_custom_role.engineers.id
  member  = "group:${var.groups["engineers"]}"
}

# To sign in to a machine that has an account is to act as that account.
resource "google_service_account_iam_member" "engineers_use_machines" {
  for_each = toset(["airflow", "airbyte"])

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = "group:${var.groups["engineers"]}"
}

resource "google_compute_project_metadata_item" "os_login" {
  key   = "enable-oslogin"
  value = "TRUE"
}
