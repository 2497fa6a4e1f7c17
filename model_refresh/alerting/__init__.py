"""How people are told: by which service, to whom, and how often."""
