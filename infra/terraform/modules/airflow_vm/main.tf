# The machine that runs Airflow from the image (docs/compose.md). All of its state is elsewhere: in Cloud SQL, in buckets
# and in Secret Manager; only what could not be delivered yet lies on its disk.

resource "google_compute_instance" "this" {
  #checkov:skip=CKV_GCP_38:Google encrypts the disk with its own keys; no data of the databases stays on it.
  name                      = "tributary-airflow"
  machine_type              = var.machine_type
  zone                      = var.zone
  tags                      = ["tributary", "tributary-airflow"]
  labels                    = var.labels
  allow_stopping_for_update = true
  deletion_protection       = var.deletion_protection

  boot_disk {
    initialize_params {
      image = "debian-cloud/debian-12"
      size  = 50
      type  = "pd-balanced"
    }
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
    tributary-env          = var.env
  }

  lifecycle {
    # Debian's newer images are for new machines; this one updates itself.
    ignore_changes = [boot_disk[0].initialize_params[0].image]
  }
}
