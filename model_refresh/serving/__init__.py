"""What leaves the system: batches of scores."""
