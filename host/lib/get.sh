# The guest's files that --get asks for: the list for the guest, and what came of it.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   what was asked for and did not come must be said, also when the guest did not live to say it.
# In:    the values of --get; $out/get.list (what was asked for, a path a line, so that a replay knows it
#        too); the array "files" of result.json. Out: opt_gets; lines of the summary. Exit: 205 for a path
#        that can't be asked for.
# shellcheck disable=SC2015,SC2034,SC2154

gets_shown=8

take_get() { # OPTION GUEST_PATH
	refuse_newline "$@"
	get_path=${2#/}
	while [ "${get_path#/}" != "$get_path" ]; do get_path=${get_path#/}; done
	[ -n "$get_path" ] || die "$1: not a file or folder of the guest: $2"
	case /$get_path/ in
	*/../* | */./*) die "$1: a path with . or .. in it: $2" ;;
	*[[:cntrl:]]*) die "$1: a path with a control character in it: $2" ;;
	esac
	[ ${#get_path} -le 1024 ] || die "$1: a path of more than 1024 bytes: $2"
	opt_gets=$opt_gets/$get_path$newline
}

# Those of an earlier run would be taken for this run's; a folder that no run has made is not ours to empty.
open_get_folder() {
	if [ -e "$out/result.json" ] || [ -e "$out/get.list" ]; then rm -rf -- "$out/get"; fi
	rm -f -- "$out/get.list"
	[ -n "$opt_gets" ] || return 0
	[ ! -e "$out/get" ] && [ ! -h "$out/get" ] || die "--get: in the way, and not of a run: $out/get"
	printf %s "$opt_gets" >"$out/get.list" || die "output is not writable: $out"
}

# A line for each path: those that frames speak of, then those that were never heard of.
describe_gets() {
	gets_described=0
	while IFS= read -r get_text; do
		[ -z "$get_text" ] || describe_get
	done <<-END
		$(list_gets)
	END
	[ ! -r "$out/get.list" ] || describe_unheard <"$out/get.list"
	[ "$gets_described" -le "$gets_shown" ] ||
		printf '  files      %s paths in all, see result.json\n' "$gets_described"
}

# Those of result.json, one a line.
list_gets() {
	[ ! -r "$out/result.json" ] ||
		sed -n '/^  "files": \[{.*}\],$/ { s/^  "files": \[//; s/\],$//; s/},{"path":/}\
{"path":/g; p; }' "$out/result.json"
}

# Inside of a string of the guest each quote has a backslash before it, so no text of it looks like a key.
describe_get() {
	get_path=${get_text#'{"path":"'}
	json_plain "${get_path%%'","complete":'*}"
	get_path=$plain
	get_reason=${get_text#*',"reason":'}
	get_reason=${get_reason%'}'}
	case $get_text in
	*'","complete":true,'*) show_get "get$get_path, $(count_get)" ;;
	*) json_plain "${get_reason#'"'}"; show_get "$get_path: NOT COMPLETE, $(count_get): ${plain%'"'}" ;;
	esac
}

count_get() {
	printf '%s files, %s bytes' "$(get_number files)" "$(get_number bytes)"
	get_skipped=$(get_number skipped)
	[ "$get_skipped" = 0 ] || printf ', %s passed over (links, devices)' "$get_skipped"
}

get_number() { # KEY
	get_value=${get_text##*',"'"$1"'":'}
	printf %s "${get_value%%[!0-9]*}"
}

describe_unheard() {
	get_known=$(list_gets)
	while IFS= read -r get_path; do
		json_quote "$get_path"
		case $get_known in
		*"{\"path\":$json,"*) ;;
		*) show_get "$get_path: NOT COMPLETE: the guest did not come to it" ;;
		esac
	done
}

show_get() { # TEXT
	gets_described=$((gets_described + 1))
	[ "$gets_described" -gt "$gets_shown" ] || printf '  files      %s\n' "$1"
}
