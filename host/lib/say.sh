# Messages of ktrun and the texts that they are made of.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   one place for "what may reach a terminal" and for quoting, so that no guest text is ever raw or run.
# In:    strings. Out: stderr, or a global named in each function's comment. Exit: 205 from die.
# shellcheck disable=SC2015,SC2034,SC2154

die_context='' # what is being read just now: in front of what is wrong in it

die() {
	note "$die_context$*"
	exit 205
}

# One line.
note() {
	printf '%s' "ktrun: $*" | without_controls >&2
	printf '\n' >&2
}

# Filter for what comes from the user: names may be in any language, but can't drive the terminal.
without_controls() {
	tr '\000-\037\177' '?'
}

# Filter for all that comes from a guest: printable ASCII and newlines stay, the rest becomes "?".
printable() {
	tr -c '\n -~' '?'
}

# Filter for what tools take line by line: a guest need not send a newline ever, and sed and grep keep a
# whole line in memory.
short_lines() {
	fold -b -w 1000
}

# Sets $replaced to STRING with each FROM replaced by TO.
replace() { # STRING FROM TO
	replaced=''
	replace_rest=$1
	while :; do
		case $replace_rest in
		*"$2"*) ;;
		*) break ;;
		esac
		replaced=$replaced${replace_rest%%"$2"*}$3
		replace_rest=${replace_rest#*"$2"}
	done
	replaced=$replaced$replace_rest
}

# Sets $quoted to STRING as one single-quoted word of a shell, byte for byte.
shell_quote() { # STRING
	replace "$1" "'" "'\\''"
	quoted="'$replaced'"
}

# Sets $json to STRING as a JSON string. Control characters are left to the filters.
# shellcheck disable=SC1003
json_quote() { # STRING
	replace "$1" '\' '\\'
	replace "$replaced" '"' '\"'
	json="\"$replaced\""
}

# Sets $plain to the inside of a JSON string, for people: line ends and tabs become blanks, quotes lose their
# backslash, other escapes stay visible.
json_plain() { # TEXT
	replace "$1" '\n' ' '
	replace "$replaced" '\t' ' '
	replace "$replaced" '\"' '"'
	plain=$replaced
}

# Sets $absolute: the path without reference to the current folder, so that no name looks like an option.
make_absolute() { # PATH
	case $1 in
	/*) absolute=$1 ;;
	*) absolute=$PWD/$1 ;;
	esac
}

# Sets $escaped to a path as the value of a QEMU option, in which a comma must be doubled.
qemu_escape() { # PATH
	replace "$1" , ,,
	escaped=$replaced
}

# Sets $now_ms: milliseconds of a clock that only goes forward, without starting a process.
read_clock() {
	read -r now_ms _ </proc/uptime
	now_ms=$((${now_ms%.*} * 1000 + (1${now_ms#*.} - 100) * 10))
}
