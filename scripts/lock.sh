#!/usr/bin/env bash
# Write requirements.lock from pyproject.toml: every version with its hashes, no address.
# Usage: scripts/lock.sh .venv/bin
set -euo pipefail
bin=$1
unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL
"$bin/python" -m pip install --quiet --disable-pip-version-check uv
"$bin/uv" pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
    --no-emit-find-links --python-version 3.11 --extra dev \
    --custom-compile-command "make lock" -o requirements.lock pyproject.toml
if grep -nE 'https?://|--find-links|--index-url' requirements.lock; then
    echo "requirements.lock must not hold an address" >&2
    exit 1
fi
