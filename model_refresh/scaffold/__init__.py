"""A first declaration, written from a look at data."""
