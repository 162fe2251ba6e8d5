variable "abctl_version" {
  description = "Release of abctl that installs Airbyte: https://github.com/airbytehq/abctl/releases."
  type        = string
  default     = "0.30.4"
}

variable "abctl_sha256" {
  description = "SHA-256 of abctl-v<version>-linux-amd64.tar.gz; the machine refuses another file. Null: not checked."
  type        = string
  default     = null

  validation {
    condition     = var.abctl_sha256 == null || can(regex("^[0-9a-f]{64}$", var.abctl_sha256))
    error_message = "Expected 64 hexadecimal digits."
  }
}

variable "airbyte_chart_version" {
  description = "Version of Airbyte's Helm chart; null for the newest at the time of the installation."
  type        = string
  default     = null
}

variable "slack" {
  description = "Whether people are told of troubles in Slack."
  type        = bool
  default     = false
}

variable "slack_token" {
  description = "Token of the Slack bot; needed where slack is true."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "datadog" {
  description = "Whether metrics go to Datadog, and monitors, objectives and dashboards are made there."
  type        = bool
  default     = false
}

variable "datadog_site" {
  description = "Datadog's site, such as datadoghq.com or datadoghq.eu."
  type        = string
  default     = "datadoghq.com"
}

variable "datadog_api_key" {
  description = "Datadog's API key; needed where datadog is true."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "datadog_app_key" {
  description = "Datadog's application key; needed where datadog is true."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "docs_url" {
  description = "Where docs/ can be read, for links to runbooks, such as https://github.com/example/tributary/blob/main."
  type        = string
  default     = ""
}
