"""People: users, later roles, API keys and the audit log."""
