# The UI under a name of one's own: a load balancer whose every request has to pass IAP, which asks for a Google login.
# Airflow then asks for its own (docs/security.md). It is the one address of the project that the world can reach.

resource "google_compute_global_address" "this" {
  name   = "tributary-ui"
  labels = var.labels
}

resource "google_compute_managed_ssl_certificate" "this" {
  name = "tributary-ui"

  managed {
    domains = [var.domain]
  }
}

resource "google_compute_ssl_policy" "this" {
  name            = "tributary-ui"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_instance_group" "airflow" {
  name      = "tributary-airflow"
  zone      = var.zone
  instances = [var.airflow]

  named_port {
    name = "ui"
    port = 8080
  }
}

resource "google_compute_health_check" "this" {
  name               = "tributary-ui"
  check_interval_sec = 10
  timeout_sec        = 5

  http_health_check {
    port         = 8080
    request_path = "/api/v2/monitor/health"
  }
}

resource "google_compute_backend_service" "this" {
  name                  = "tributary-ui"
  protocol              = "HTTP"
  port_name             = "ui"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  health_checks         = [google_compute_health_check.this.id]
  timeout_sec           = 60

  backend {
    group = google_compute_instance_group.airflow.id
  }

  # With Google's own client: there is none to make by hand, and no secret of it.
  iap {
    enabled = true
  }

  log_config {
    enable = true
  }
}

resource "google_compute_url_map" "this" {
  name            = "tributary-ui"
  default_service = google_compute_backend_service.this.id
}

resource "google_compute_target_https_proxy" "this" {
  name             = "tributary-ui"
  url_map          = google_compute_url_map.this.id
  ssl_certificates = [google_compute_managed_ssl_certificate.this.id]
  ssl_policy       = google_compute_ssl_policy.this.id
}

# HTTPS only: nothing listens on port 80.
resource "google_compute_global_forwarding_rule" "this" {
  name                  = "tributary-ui"
  target                = google_compute_target_https_proxy.this.id
  ip_address            = google_compute_global_address.this.id
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  labels                = var.labels
}

resource "google_iap_web_backend_service_iam_member" "this" {
  for_each = toset(var.members)

  web_backend_service = google_compute_backend_service.this.name
  role                = "roles/iap.httpsResourceAccessor"
  member              = each.key
}
