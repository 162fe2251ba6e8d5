variable "name" {
  description = "Name of the instance. A name is free again a week after its instance was deleted."
  type        = string
}

variable "database_version" {
  description = "Such as MYSQL_8_4 or POSTGRES_16."
  type        = string
}

variable "region" {
  description = "Region of the instance."
  type        = string
}

variable "network" {
  description = "Id of the network that the instance has its address in."
  type        = string
}

variable "tier" {
  description = "Size of the machine, such as db-custom-2-7680."
  type        = string
}

variable "disk_gb" {
  description = "Size of the disk to begin with."
  type        = number
}

variable "backups" {
  description = "Whether it is backed up, for seven days; not for what every import makes anew."
  type        = bool
}

variable "flags" {
  description = "Flags of the server."
  type        = list(object({ name = string, value = string }))
}

variable "database" {
  description = "A database to make; null for none."
  type        = string
  default     = null
}

variable "user" {
  description = "Name of the user."
  type        = string
}

variable "password" {
  description = "The user's password; written, never stored."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "password_generation" {
  description = "The password is written again when this number changes."
  type        = number
}

variable "labels" {
  description = "Labels of the instance."
  type        = map(string)
}

variable "deletion_protection" {
  description = "Whether Google refuses to delete it."
  type        = bool
}
