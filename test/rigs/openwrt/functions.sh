# Stands in for OpenWrt's /lib/functions.sh: those of its functions that our scripts call, with the same meaning. A UCI file is
# near enough to shell to be read by the shell.

config_load() {
	CONFIG_IDS='' CONFIG_COUNT=0
	[ ! -e "/etc/config/$1" ] || . "/etc/config/$1"
}

config_cb() { :; }
option_cb() { :; }
list_cb() { :; }
reset_cb() {
	config_cb() { :; }
	option_cb() { :; }
	list_cb() { :; }
}

package() { :; }
config() {
	local old
	CONFIG_COUNT=$((CONFIG_COUNT + 1))
	CONFIG_ID=${2:-cfg$CONFIG_COUNT}
	# What an earlier file said of a section of this name is forgotten.
	for old in $(set | sed -n "s/^\(\(CFG\|COUNT\)_${CONFIG_ID}_[A-Za-z0-9_]*\)=.*/\1/p"); do unset "$old"; done
	CONFIG_IDS="$CONFIG_IDS $CONFIG_ID"
	eval "TYPE_$CONFIG_ID=\$1"
	config_cb "$1" "$CONFIG_ID"
}
option() {
	eval "CFG_${CONFIG_ID}_$1=\$2"
	option_cb "$1" "$2"
}
list() {
	local count
	eval "count=\$((\${COUNT_${CONFIG_ID}_$1:-0} + 1))"
	eval "COUNT_${CONFIG_ID}_$1=$count; ITEM_${CONFIG_ID}_$1_$count=\$2"
	eval "CFG_${CONFIG_ID}_$1=\"\${CFG_${CONFIG_ID}_$1:+\$CFG_${CONFIG_ID}_$1 }\$2\""
	list_cb "$1" "$2"
}

config_get() { eval "$1=\${CFG_$2_$3:-\$4}"; }

config_get_bool() {
	config_get "$1" "$2" "$3" "$4"
	eval "set -- \"\$1\" \"\$4\" \"\$$1\""
	case "$3" in
	1 | on | true | yes | enabled) eval "$1=1" ;;
	0 | off | false | no | disabled) eval "$1=0" ;;
	*) eval "$1=\$2" ;;
	esac
}

config_foreach() {
	local id type
	for id in $CONFIG_IDS; do
		eval "type=\$TYPE_$id"
		[ "$type" != "$2" ] || "$1" "$id"
	done
}

config_list_foreach() {
	local count at=1 item
	eval "count=\${COUNT_$1_$2:-0}"
	while [ "$at" -le "$count" ]; do
		eval "item=\$ITEM_$1_$2_$at"
		"$3" "$item"
		at=$((at + 1))
	done
}
