"""One program a peer: `fit` leaves what predicts in a folder, `score` loads it and predicts.

They run in the peers' own environments, where there is no model_refresh.
"""
