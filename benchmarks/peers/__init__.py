"""Parts of benchmarks/quality.py: its tasks, who takes part, and how each is run and measured."""
