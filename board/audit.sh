#!/bin/sh
# Asks the registry whether a known weakness is in a package that is shipped.
#
# Usage: board/audit.sh
# Promises: 0 only if it was asked and knows of none; 1 if it knows of one; 2 if it cannot be asked, which says nothing about the
# packages. Nothing is installed or changed.
set -eu
cd "$(dirname "$0")/.."
said=$(mktemp)
trap 'rm -f "$said"' EXIT
if npm audit --omit dev --json >"$said" 2>/dev/null; then
    echo 'audit: no known weakness in what is shipped'
elif grep -q '"vulnerabilities"' "$said"; then
    npm audit --omit dev || true
    exit 1
else
    echo 'audit: NOT DONE: the registry of this npm does not answer such questions:' >&2
    sed -n 's/.*"summary": *"\(..*\)".*/audit:   \1/p; s/.*"message": *"\(..*\)".*/audit:   \1/p' "$said" >&2
    exit 2
fi
