terraform {
  # 1.11 brought write-only arguments: passwords reach Google without being written into the state.
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
    datadog = {
      source  = "DataDog/datadog"
      version = "~> 3.82"
    }
  }

  # The bucket's name comes with `terraform init -backend-config=backend.hcl`: docs/deploy.md.
  backend "gcs" {
    prefix = "tributary"
  }
}

provider "google" {
  project = var.project
  region  = var.region
  zone    = var.zone

  # Budgets and other APIs of the account are asked in the name of this project.
  billing_project       = var.project
  user_project_override = true

  default_labels = local.labels
}

provider "datadog" {
  api_key  = var.datadog_api_key
  app_key  = var.datadog_app_key
  api_url  = "https://api.${var.datadog_site}/"
  validate = var.datadog
}
