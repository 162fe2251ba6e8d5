# Machines that run tasks with Celery. They keep nothing: one that is lost is made anew, and its tasks run elsewhere.

resource "google_compute_instance_template" "this" {
  name_prefix  = "tributary-worker-"
  machine_type = var.machine_type
  region       = var.region
  tags         = ["tributary", "tributary-worker"]
  labels       = var.labels

  disk {
    source_image = "debian-cloud/debian-12"
    disk_size_gb = 50
    disk_type    = "pd-balanced"
    boot         = true
  }

  network_interface {
    subnetwork = var.subnetwork
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
    startup-script         = file("${path.module}/../airflow_vm/start")
    tributary-env          = var.env
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_instance_group_manager" "this" {
  name               = "tributary-workers"
  base_instance_name = "tributary-worker"
  zone               = var.zone
  target_size        = var.instances

  version {
    instance_template = google_compute_instance_template.this.self_link_unique
  }

  # An apply changes the template alone. People change machines, one whose tasks have ended at a time (docs/scaling.md):
  # Google gives one that it replaces about 90 seconds, and a task may need more.
  update_policy {
    type                  = "OPPORTUNISTIC"
    minimal_action        = "REPLACE"
    max_surge_fixed       = 1
    max_unavailable_fixed = 0
  }
}
