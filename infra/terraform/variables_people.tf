# Who may do what is given to groups, so that people come and go without an apply.

variable "analysts_group" {
  description = "Google group that reads `consolidated`, and nothing else."
  type        = string

  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+$", var.analysts_group))
    error_message = "Expected a group's address, such as analysts@example.com."
  }
}

variable "engineers_group" {
  description = "Google group that looks after the pipeline: reads every dataset, signs in to the machines, opens the UI."
  type        = string

  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+$", var.engineers_group))
    error_message = "Expected a group's address, such as data-engineers@example.com."
  }
}

variable "personal_data_group" {
  description = "Google group that reads columns with the policy tag `personal`; null for nobody."
  type        = string
  default     = null
}

variable "domain" {
  description = "Host name of the UI, such as tributary.example.com; null for no load balancer: then by a tunnel only."
  type        = string
  default     = null
}

variable "ui_members" {
  description = "Who passes the door (IAP) of the UI besides the engineers, such as group:analysts@example.com."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.ui_members : can(regex("^(user|group|domain):.+$", member))])
    error_message = "Expected members such as group:analysts@example.com (of the kinds user, group, domain)."
  }
}
