"""A version written out, and how a row is scored with it: standard library and msgspec only."""
