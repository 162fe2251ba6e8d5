locals {
  own_objects = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.dumps.name}/objects/_\")"
}

# The pipeline reads every dump and can change none: it writes only what begins with `_`.
resource "google_storage_bucket_iam_member" "pipeline_reads_dumps" {
  bucket = google_storage_bucket.dumps.name
  role   = "roles/storage.objectViewer"
  member = var.pipeline
}

resource "google_storage_bucket_iam_member" "pipeline_writes_its_own" {
  bucket = google_storage_bucket.dumps.name
  role   = "roles/storage.objectUser"
  member = var.pipeline

  condition {
    title       = "own_objects"
    description = "Dead letters, incidents and cleaned copies, whose names begin with an underscore."
    expression  = local.own_objects
  }
}

# Cloud SQL reads a dump by itself, and looks at the bucket before.
resource "google_storage_bucket_iam_member" "imports_read_dumps" {
  for_each = var.imports

  bucket = google_storage_bucket.dumps.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${each.value}"
}

resource "google_storage_bucket_iam_member" "imports_look_at_bucket" {
  for_each = var.imports

  bucket = google_storage_bucket.dumps.name
  role   = "roles/storage.legacyBucketReader"
  member = "serviceAccount:${each.value}"
}

# Airflow writes the logs of its tasks there, and shows them.
resource "google_storage_bucket_iam_member" "pipeline_logs" {
  bucket = google_storage_bucket.logs.name
  role   = "roles/storage.objectUser"
  member = var.pipeline
}
