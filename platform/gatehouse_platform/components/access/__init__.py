"""Who may change an environment: the roles that GitHub's workflows assume, and what each may do."""
