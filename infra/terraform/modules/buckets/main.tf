# Dumps come in here; what the pipeline keeps beside them begins with `_`: dead letters, incidents, cleaned copies.

resource "google_storage_bucket" "dumps" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs (audit.tf) say who did what. Usage logs need a group of Google's, which a new organisation's policy refuses.
  name                        = "${var.project}-dumps"
  location                    = var.location
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  # Every dump, and not what begins with `_`: the names of databases begin with a letter.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age            = var.dumps_keep_days
      matches_prefix = split("", "abcdefghijklmnopqrstuvwxyz0123456789")
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 7
    }
  }
}

resource "google_storage_bucket" "logs" {
  #checkov:skip=CKV_GCP_62:It holds the logs of tasks; Cloud Audit Logs (audit.tf) say who read them.
  name                        = "${var.project}-logs"
  location                    = var.location
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = 90
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 7
    }
  }
}

# For whoever wants to know of a dump at once. The pipeline itself looks: a lost message would be a lost day.
resource "google_pubsub_topic" "dumps" {
  #checkov:skip=CKV_GCP_83:Messages name objects and hold no data; Google's own keys are enough.
  name   = "tributary-dumps"
  labels = var.labels
}

data "google_storage_project_service_account" "this" {}

resource "google_pubsub_topic_iam_member" "storage" {
  topic  = google_pubsub_topic.dumps.id
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:${data.google_storage_project_service_account.this.email_address}"
}

resource "google_storage_notification" "dumps" {
  bucket         = google_storage_bucket.dumps.name
  topic          = google_pubsub_topic.dumps.id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]

  depends_on = [google_pubsub_topic_iam_member.storage]
}
