"""A formula behind HTTP: strict requests, plain problems, and one version an answer."""
