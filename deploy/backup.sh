#!/bin/sh
# backup.sh STORE ARCHIVE.tar - copies the store while refreshes go on.
#
# Log lines are listed before everything else: a line is written after what it names, so every line
# of the archive has its things. Nothing that can be seen changes any more. Left out are drafts and,
# of each model, leases (who refreshes now) and studies (journals of searches): after a restore a
# search begins anew. A model may itself be called leases or studies.
set -eu
if [ $# -ne 2 ] || [ ! -d "$1" ]; then
    echo "usage: backup.sh STORE ARCHIVE.tar" >&2
    exit 2
fi
archive=$(realpath "$2")
lines=$(mktemp) rest=$(mktemp)
trap 'rm -f "$lines" "$rest" "$archive.part"' EXIT
cd "$1"
find . \( -name '.tmp-*' -o -regex '\./[^/]*/leases' \) -prune \
    -o -type f -name '[0-9]*.json' -print0 > "$lines"
find . \( -name '.tmp-*' -o -regex '\./[^/]*/leases' -o -regex '\./[^/]*/studies' \) -prune \
    -o -type f ! -name '[0-9]*.json' -print0 > "$rest"
tar --create --file "$archive.part" --null --files-from "$rest" --files-from "$lines"
sync "$archive.part"
mv "$archive.part" "$archive"
