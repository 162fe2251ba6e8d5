variable "secrets" {
  description = "By secret id: which accounts read it, and a number whose change writes its value anew; 0 for a secret without one."
  type = map(object({
    readers    = list(string)
    generation = number
  }))
}

variable "values" {
  description = "The values by secret id."
  type        = map(string)
  sensitive   = true
  ephemeral   = true
}

variable "members" {
  description = "IAM members by account."
  type        = map(string)
}

variable "region" {
  description = "Region that the values are kept in."
  type        = string
}

variable "labels" {
  description = "Labels of the secrets."
  type        = map(string)
}
