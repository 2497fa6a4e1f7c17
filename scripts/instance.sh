#!/usr/bin/env bash
# Put dagster.yaml into a $DAGSTER_HOME that has none; say so where it has another. Usage: instance.sh HOME
set -euo pipefail
home=$1
mkdir -p "$home"
if [ ! -e "$home/dagster.yaml" ]; then
    cp dagster.yaml "$home"
elif ! cmp -s dagster.yaml "$home/dagster.yaml"; then
    echo "$home/dagster.yaml differs from this project's dagster.yaml and is left as it is: after a crash runs" \
        "may stay as they are. Take over what is new (diff dagster.yaml $home/dagster.yaml), or the" \
        "whole: cp dagster.yaml $home" >&2
fi
