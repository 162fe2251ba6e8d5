terraform {
  required_providers {
    datadog = {
      source = "DataDog/datadog"
    }
  }
}
