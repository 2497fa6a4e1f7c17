"""The steps of a refresh: frame, dataset, candidates, comparison, verdict, challenger, champion."""
