variable "project" {
  description = "Id of the Google Cloud project that everything is made in. Best one that holds nothing else."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id: 6 to 30 lower-case letters, digits and hyphens, such as acme-tributary."
  }
}

variable "billing_account" {
  description = "Billing account of the project, for the budget: `gcloud billing accounts list` shows its id."
  type        = string

  validation {
    condition     = can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "Expected the form 012345-6789AB-CDEF01."
  }
}

variable "region" {
  description = "Region of the machines, the Cloud SQL instances and the image registry."
  type        = string
  default     = "us-central1"
}

variable "zone" {
  description = "Zone of the machines; one of the region's."
  type        = string
  default     = "us-central1-a"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]-[a-z]$", var.zone))
    error_message = "Expected a zone such as us-central1-a."
  }
}

variable "location" {
  description = "Location of the BigQuery datasets and of the buckets: US, EU or a region. It cannot be changed later."
  type        = string
  default     = "US"
}

variable "environment" {
  description = "Value of the label and of Datadog's tag `env`. Datadog's monitors look at `prod`."
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.environment))
    error_message = "Expected lower-case letters, digits and hyphens, such as prod."
  }
}

variable "alert_email" {
  description = "Where Google Cloud reports the budget and machines that are down."
  type        = string

  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+[.][^@ ]+$", var.alert_email))
    error_message = "Expected an e-mail address."
  }
}

variable "monthly_budget" {
  description = "What the project may cost in a month, in the currency of the billing account; mails at 50, 90 and 100 %."
  type        = number
  default     = 700

  validation {
    condition     = var.monthly_budget > 0
    error_message = "Expected a positive number."
  }
}

variable "image_version" {
  description = "Tag of the image that the machines start with the first time; later versions come by deploy/upgrade."
  type        = string
  default     = "0.1.0"
}

variable "deletion_protection" {
  description = "Whether Google refuses to delete the databases and machines. Set it to false before `terraform destroy`."
  type        = bool
  default     = true
}

variable "github_repository" {
  description = "Repository whose workflows may push images and deploy, as owner/name; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null || can(regex("^[^/ ]+/[^/ ]+$", var.github_repository))
    error_message = "Expected owner/name."
  }
}

variable "secret_generations" {
  description = "By secret, how often it was made anew: raise a number by one, and the next apply writes a new value."
  type        = map(number)
  default     = {}
}

variable "settings" {
  description = "Further settings of the machines, such as TRIBUTARY_SSO_ISSUER; no secrets: they are read as the settings are."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for name, value in var.settings : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !strcontains(value, "\n")
    ])
    error_message = "Expected names such as TRIBUTARY_SSO_ISSUER and values of one line."
  }
}
