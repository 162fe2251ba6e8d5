variable "region" {
  description = "Region of the subnetwork."
  type        = string
}

variable "range" {
  description = "Addresses of the subnetwork."
  type        = string
  default     = "10.10.0.0/24"

  validation {
    condition     = can(cidrhost(var.range, 10))
    error_message = "Expected a range with ten addresses or more, such as 10.10.0.0/24."
  }
}
