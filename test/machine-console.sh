# shellcheck shell=sh disable=SC2154  # `self` is of whoever reads it in
# Read in by the scripts here that boot one machine in QEMU, run what they are for in it, and end as that has. They give `self`, by
# what they call themselves, and `fail`; they get `work`, a folder that is gone at the end, and the machine with it.
#
#   qemu-system-... </dev/null >"$work/console" 2>&1 &
#   await_machine        # shows the console; then `code` is what the machine said in its last line "$self: exit NUMBER ..."

work=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-$self.XXXXXX")
: >"$work/console"
machine=
tidy() {
    [ -z "$machine" ] || kill "$machine" 2>/dev/null || :
    rm -rf "$work"
}
trap tidy EXIT
trap 'exit 130' INT TERM

await_machine() {
    machine=$!
    tail -n +1 -f --pid="$machine" "$work/console" | sed -u 's/\r$//' &
    shown=$!
    wait "$machine" || :
    machine=
    wait "$shown"
    code=$(tr -d '\r' <"$work/console" | sed -n "s/^$self: exit \([0-9][0-9]*\).*/\1/p" | tail -n 1)
    [ -n "$code" ] || fail "the machine ended too early"
}
