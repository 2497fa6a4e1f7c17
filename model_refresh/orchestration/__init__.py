"""The Dagster shell: the only package that knows Dagster. Bodies load, call the core, and tell."""
