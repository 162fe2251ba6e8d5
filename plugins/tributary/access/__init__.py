"""Who may come in: accounts and roles of a deployment, and single sign-on."""
