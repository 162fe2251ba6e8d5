# Who read or wrote a dump, or read a secret, is in Cloud Audit Logs; without this they note only who changed rights and
# settings. BigQuery's are there in any case.
resource "google_project_iam_audit_config" "data" {
  for_each = toset(["secretmanager.googleapis.com", "storage.googleapis.com"])

  project = var.project
  service = each.key

  audit_log_config {
    log_type = "DATA_READ"
  }

  audit_log_config {
    log_type = "DATA_WRITE"
  }

  depends_on = [google_project_service.this]
}
