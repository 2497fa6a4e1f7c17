"""Tags of runs, and the job that they are of: light to import, as the launcher must be."""

MODEL_TAG = "model_refresh/model"
SELECTION_TAG = "model_refresh/selection"
REASON_TAG = "model_refresh/reason"
REASON_KIND_TAG = "model_refresh/reason_kind"
REQUEST_TAG = "model_refresh/request"
"""The request of the reason: the run key, kept where Dagster's own is not, as in a repetition."""
SEARCH_TAG = "model_refresh/search"
CRASHES_TAG = "model_refresh/crashes"
"""How many of the runs that this one repeats died in a crash."""
WORKER_TAG = "model_refresh/worker"
"""Which process works on the run; see `workers`."""
PARTITION_TAG = "dagster/partition"  # Dagster's own

FLEET = "fleet"
"""Where the keys of assets over all models begin; no model may be called so."""

IMPLICIT_JOB = "__ASSET_JOB"
"""Dagster's own job over all assets: a job for each model would make loading quadratic."""
