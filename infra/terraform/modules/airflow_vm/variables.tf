variable "zone" {
  description = "Zone of the machine."
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

variable "env" {
  description = "Content of /etc/tributary/env."
  type        = string
}

variable "labels" {
  description = "Labels of the machine."
  type        = map(string)
}

variable "deletion_protection" {
  description = "Whether Google refuses to delete it."
  type        = bool
}
