# Where images are pushed to and pulled from. A version that was pushed stays what it is.

resource "google_artifact_registry_repository" "this" {
  #checkov:skip=CKV_GCP_84:Images hold no data and no secret; Google's own keys are enough.
  repository_id = "tributary"
  location      = var.region
  format        = "DOCKER"
  description   = "Tributary's image."
  labels        = var.labels

  docker_config {
    immutable_tags = true
  }

  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  cleanup_policies {
    id     = "keep-the-newest"
    action = "KEEP"

    most_recent_versions {
      keep_count = 20
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      older_than = "7776000s"
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "pull" {
  repository = google_artifact_registry_repository.this.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = var.puller
}

resource "google_artifact_registry_repository_iam_member" "push" {
  repository = google_artifact_registry_repository.this.name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = var.pusher
}
