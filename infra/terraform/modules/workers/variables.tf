variable "region" {
  description = "Region of the instance template."
  type        = string
}

variable "zone" {
  description = "Zone of the machines."
  type        = string
}

variable "instances" {
  description = "How many machines."
  type        = number
}

variable "machine_type" {
  description = "Size of each machine."
  type        = string
}

variable "subnetwork" {
  description = "Id of the subnetwork."
  type        = string
}

variable "account" {
  description = "E-mail address of the machines' service account."
  type        = string
}

variable "env" {
  description = "Content of /etc/tributary/env."
  type        = string
}

variable "labels" {
  description = "Labels of the machines."
  type        = map(string)
}
