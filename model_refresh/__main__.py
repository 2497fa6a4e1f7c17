"""`python -m model_refresh` is `model-refresh`."""

from model_refresh.cli import main

main()
