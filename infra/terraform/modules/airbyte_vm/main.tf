# The machine that runs Airbyte, installed by abctl: Kubernetes (kind) in one container. What must outlive that container
# lies on a disk of its own: Airbyte's database, the logs of its jobs, the logs of its pods, Docker's images.

resource "google_compute_disk" "data" {
  #checkov:skip=CKV_GCP_37:Google encrypts the disk with its own keys; it holds logs and settings, and no rows.
  name   = "tributary-airbyte"
  type   = "pd-balanced"
  size   = 100
  zone   = var.zone
  labels = var.labels
}

resource "google_compute_resource_policy" "snapshots" {
  name   = "tributary-airbyte-daily"
  region = var.region

  snapshot_schedule_policy {
    schedule {
      daily_schedule {
        days_in_cycle = 1
        start_time    = "12:00"
      }
    }

    retention_policy {
      max_retention_days = 7
    }
  }
}

resource "google_compute_disk_resource_policy_attachment" "snapshots" {
  name = google_compute_resource_policy.snapshots.name
  disk = google_compute_disk.data.name
  zone = var.zone
}

resource "google_compute_instance" "this" {
  #checkov:skip=CKV_GCP_38:Google encrypts the disks with its own keys; no data of the databases stays on them.
  name                      = "tributary-airbyte"
  machine_type              = var.machine_type
  zone                      = var.zone
  tags                      = ["tributary", "tributary-airbyte"]
  labels                    = var.labels
  allow_stopping_for_update = true
  deletion_protection       = var.deletion_protection

  boot_disk {
    initialize_params {
      image = "debian-cloud/debian-12"
      size  = 30
      type  = "pd-balanced"
    }
  }

  attached_disk {
    source      = google_compute_disk.data.id
    device_name = "airbyte"
  }

  # No access_config: without one a machine has no public address.
  network_interface {
    subnetwork = var.subnetwork
    network_ip = var.address
  }

  service_account {
    email  = var.account
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  metadata = {
    block-project-ssh-keys = "TRUE"
    enable-oslogin         = "TRUE"
    startup-script         = file("${path.module}/start")
    airbyte-ready          = file("${path.module}/ready")
    airbyte-abctl-version  = var.abctl_version
    airbyte-abctl-sha256   = coalesce(var.abctl_sha256, "unchecked")
    airbyte-chart-version  = coalesce(var.chart_version, "newest")
  }

  lifecycle {
    # Debian's newer images are for new machines; this one updates itself.
    ignore_changes = [boot_disk[0].initialize_params[0].image]
  }
}
