"""A fleet whose processes are killed while it refreshes: its world, and what runs in it."""
