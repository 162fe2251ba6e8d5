# One private network. Nothing in it has a public address: out it goes by Cloud NAT, in only through IAP.

resource "google_compute_network" "this" {
  name                            = "tributary"
  auto_create_subnetworks         = false
  delete_default_routes_on_create = false
}

resource "google_compute_subnetwork" "this" {
  name                     = "tributary"
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.range
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# Known before the machines are, so that connections and settings can name them in the same apply.
resource "google_compute_address" "internal" {
  for_each = toset(["airflow", "airbyte"])

  name         = "tributary-${each.key}"
  region       = var.region
  subnetwork   = google_compute_subnetwork.this.id
  address_type = "INTERNAL"
}

resource "google_compute_router" "this" {
  name    = "tributary"
  region  = var.region
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  name                               = "tributary"
  region                             = var.region
  router                             = google_compute_router.this.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

# Cloud SQL lives in a network of Google's, which is joined to this one. Left to choose, Google might take addresses that
# pods on Airbyte's machine have (kind: 10.244.0.0/16 and 10.96.0.0/16), and then no sync reaches the database.
resource "google_compute_global_address" "services" {
  name          = "tributary-services"
  network       = google_compute_network.this.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = "10.20.0.0"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
  # Cloud SQL keeps its side for days after its last instance is gone; the network may go all the same.
  deletion_policy = "ABANDON"
}
