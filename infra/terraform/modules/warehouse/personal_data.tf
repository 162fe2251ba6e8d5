# For columns that a contract has copied in clear, `personal: tag`: who reads the table but not the tag is refused the
# column. docs/personal-data.md

resource "google_data_catalog_taxonomy" "this" {
  region                 = lower(var.location)
  display_name           = "tributary"
  description            = "Which columns not everybody may read who may read the table."
  activated_policy_types = ["FINE_GRAINED_ACCESS_CONTROL"]
}

resource "google_data_catalog_policy_tag" "personal" {
  taxonomy     = google_data_catalog_taxonomy.this.id
  display_name = "personal"
  description  = "Personal data: names, addresses, contacts."
}

# Authoritative: nobody else reads it, whatever roles they have on the dataset. The pipeline counts and copies.
resource "google_data_catalog_policy_tag_iam_binding" "personal" {
  policy_tag = google_data_catalog_policy_tag.personal.name
  role       = "roles/datacatalog.categoryFineGrainedReader"
  members = concat(
    ["serviceAccount:${var.accounts["pipeline"]}", "serviceAccount:${var.accounts["transformer"]}"],
    var.personal_data_group == null ? [] : ["group:${var.personal_data_group}"],
  )
}
