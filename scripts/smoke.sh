#!/usr/bin/env bash
# Does Dagster load the project, and does one refresh run through by its CLI? Usage: smoke.sh .venv/bin
set -euo pipefail
bin=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export DAGSTER_HOME=$scratch/dagster MODEL_REFRESH_HOME=$scratch/store
mkdir "$DAGSTER_HOME" && cp dagster.yaml "$DAGSTER_HOME"

"$bin/dagster" definitions validate
"$bin/dagster" asset materialize -m model_refresh.definitions \
    --select 'group:"cdnow_repurchase"' --partition 1998-03-02 > "$scratch/log" 2>&1 ||
    { cat "$scratch/log"; exit 1; }
"$bin/model-refresh" why cdnow_repurchase
"$bin/model-refresh" verify
