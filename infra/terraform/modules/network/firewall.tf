# What is not named here is refused: a network starts with no rule that lets anything in.
# Addresses of Google's: https://cloud.google.com/iap/docs/using-tcp-forwarding,
# https://cloud.google.com/load-balancing/docs/health-checks#fw-rule

resource "google_compute_firewall" "ssh_from_iap" {
  name          = "tributary-ssh-from-iap"
  description   = "SSH, for whom IAP lets through."
  network       = google_compute_network.this.id
  direction     = "INGRESS"
  source_ranges = ["35.235.240.0/20"]
  target_tags   = ["tributary"]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "ui_from_load_balancer" {
  name          = "tributary-ui-from-load-balancer"
  description   = "The UI, behind the load balancer's IAP, and its health checks."
  network       = google_compute_network.this.id
  direction     = "INGRESS"
  source_ranges = ["130.211.0.0/22", "35.191.0.0/16"]
  target_tags   = ["tributary-airflow"]

  allow {
    protocol = "tcp"
    ports    = ["8080"]
  }
}

resource "google_compute_firewall" "airbyte_from_airflow" {
  name        = "tributary-airbyte-from-airflow"
  description = "Airbyte's API, for Airflow and its workers."
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  source_tags = ["tributary-airflow", "tributary-worker"]
  target_tags = ["tributary-airbyte"]

  allow {
    protocol = "tcp"
    ports    = ["8000"]
  }
}

resource "google_compute_firewall" "airflow_from_workers" {
  name        = "tributary-airflow-from-workers"
  description = "Airflow's API, Celery's queue (Redis) and Datadog's agent, for the workers."
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  source_tags = ["tributary-worker"]
  target_tags = ["tributary-airflow"]

  allow {
    protocol = "tcp"
    ports    = ["8080", "6379"]
  }

  allow {
    protocol = "udp"
    ports    = ["8125"]
  }
}
