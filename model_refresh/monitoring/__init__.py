"""What becomes of models in production: reasons to refresh, drift, performance, the whole fleet."""
