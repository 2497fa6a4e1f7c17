"""A batch of scores: written in bounded memory, audited, and delivered to a declared sink."""
