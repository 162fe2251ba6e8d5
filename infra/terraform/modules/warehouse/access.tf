# Who may do what with which kind of dataset, once, for all databases. docs/security-roles.md is this table with the
# permissions behind it; a test holds the two against each other and lists what is forbidden.
#
# WRITER, READER and OWNER are what BigQuery makes of bigquery.dataEditor, dataViewer and dataOwner on a dataset:
# https://cloud.google.com/bigquery/docs/access-control-basic-roles

locals {
  grants = {
    # Airbyte fills it. The pipeline leaves its marker there and takes bad rows out to quarantine. dbt asks there which
    # rows a dump has although its tables lack them: a history does not call them deleted.
    raw        = { writers = ["loader", "pipeline"], readers = ["transformer", "engineers"] }
    quarantine = { writers = ["pipeline"], readers = ["transformer", "engineers"] }
    # dbt builds it. The pipeline only reads: counts, checksums, expectations.
    database = { writers = ["transformer"], readers = ["pipeline", "engineers"] }
    # dbt builds here what the pipeline then checks, keeps as a version and publishes.
    audit        = { writers = ["transformer"], readers = ["pipeline", "engineers"] }
    consolidated = { writers = ["pipeline"], readers = ["analysts", "engineers"] }
    ops          = { writers = ["pipeline"], readers = ["engineers"] }
    # Airbyte's own working tables.
    loader = { writers = ["loader"], readers = [] }
  }

  access = {
    for kind, grant in local.grants : kind => concat(
      [for who in grant.writers : { role = "WRITER", user = lookup(var.accounts, who, null), group = lookup(var.groups, who, null) }],
      [for who in grant.readers : { role = "READER", user = lookup(var.accounts, who, null), group = lookup(var.groups, who, null) }],
    )
  }
}
