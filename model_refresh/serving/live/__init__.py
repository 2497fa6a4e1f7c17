"""The champion behind HTTP on this machine: who it is, who stands beside it, and how it changes."""
