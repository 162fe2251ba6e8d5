variable "region" {
  description = "Region of the schedule of snapshots."
  type        = string
}

variable "zone" {
  description = "Zone of the machine and its disk."
  type        = string
}

variable "machine_type" {
  description = "Size of the machine."
  type        = string
}

variable "subnetwork" {
  description = "Id of the subnetwork."
  type        = string
}

variable "address" {
  description = "Internal address of the machine."
  type        = string
}

variable "account" {
  description = "E-mail address of the machine's service account."
  type        = string
}

variable "abctl_version" {
  description = "Release of abctl."
  type        = string
}

variable "abctl_sha256" {
  description = "SHA-256 of its archive; null: not checked."
  type        = string
}

variable "chart_version" {
  description = "Version of Airbyte's Helm chart; null for the newest."
  type        = string
}

variable "labels" {
  description = "Labels of the machine and its disk."
  type        = map(string)
}

variable "deletion_protection" {
  description = "Whether Google refuses to delete the machine."
  type        = bool
}
