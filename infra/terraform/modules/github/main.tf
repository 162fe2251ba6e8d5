# GitHub's workflows act as the account `tributary-deploy` by the token that GitHub signs for each of their runs. There is
# no key, and a run of another repository, of a pull request, or that nobody has approved gets nothing.

resource "google_iam_workload_identity_pool" "this" {
  workload_identity_pool_id = "tributary-github"
  display_name              = "GitHub"
  description               = "Workflows of ${var.repository}."
}

resource "google_iam_workload_identity_pool_provider" "this" {
  #checkov:skip=CKV_GCP_125:It looks for one exact subject; repository and ref are claims that GitHub signs as well.
  workload_identity_pool_id          = google_iam_workload_identity_pool.this.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub"

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
    "attribute.ref"        = "assertion.ref"
  }

  # Tags push an image and the main branch deploys it, each in an environment that a person has approved (docs/releasing.md).
  # A job without one has no such claim, and an expression that asks for it refuses.
  attribute_condition = join(" && ", [
    "assertion.repository == \"${var.repository}\"",
    "((assertion.ref.startsWith(\"refs/tags/v\") && assertion.environment == \"release\") || (assertion.ref == \"refs/heads/main\" && assertion.environment in [\"staging\", \"production\"]))",
  ])

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "workflows" {
  service_account_id = var.account_name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.this.name}/attribute.repository/${var.repository}"
}

# To deploy is to sign in to Airflow's machine through IAP and run deploy/upgrade there.
resource "google_compute_instance_iam_member" "sign_in" {
  instance_name = var.airflow
  zone          = var.zone
  role          = "roles/compute.osAdminLogin"
  member        = var.account_member
}

resource "google_iap_tunnel_instance_iam_member" "tunnel" {
  instance = var.airflow
  zone     = var.zone
  role     = "roles/iap.tunnelResourceAccessor"
  member   = var.account_member
}

resource "google_service_account_iam_member" "use_machine" {
  service_account_id = var.machine_account_name
  role               = "roles/iam.serviceAccountUser"
  member             = var.account_member
}

resource "google_project_iam_custom_role" "find_machine" {
  role_id     = "tributaryFindMachine"
  title       = "Tributary: find the machine"
  description = "What gcloud compute ssh looks up before it connects."
  permissions = [
    "compute.instances.get",
    "compute.projects.get",
  ]
}

resource "google_project_iam_member" "find_machine" {
  project = var.project
  role    = google_project_iam_custom_role.find_machine.id
  member  = var.account_member
}
