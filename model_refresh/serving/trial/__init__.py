"""The trial batch: both models score the current frame, and what stands between them is judged."""
