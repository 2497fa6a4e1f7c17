"""Where a version's scores may turn: rows made by changing real ones at such places."""
