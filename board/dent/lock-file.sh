#!/bin/sh
# Makes the lock file out of the configuration, if that is another one than it was made of: before the network at each boot, so that
# a switch whose agent has never run, or whose configuration was changed without it, has its ports shut from the first frame on.
#
# Usage: lock-file [CONFIGURATION [LOCK-FILE]]
# Promises: a file that is up to date costs no start of Node (some milliseconds). A configuration with a fault leaves the lock file as
# it is, and is told; so does a secret that is not there yet, and leaves no port open. Exit code 0 also where there is no configuration.
set -eu
config=${1:-/etc/rollcall/rollcall.yaml}
lock=${2:-/var/lib/rollcall/lock.conf}

[ -r "$config" ] || exit 0
sum=$(sha256sum <"$config")
! grep -qs "^# sha256 of the configuration: ${sum%% *}$" "$lock" || exit 0
# Without its compiler V8 needs no memory that can be written and run, which the unit forbids.
exec "${ROLLCALL_NODE:-/usr/bin/node}" --jitless --no-expose-wasm "$(dirname "$0")/rollcall.js" check --write-lock "$lock" -c "$config"
