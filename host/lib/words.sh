# A string as words, the way a shell splits a command line, but nothing in it is expanded or run.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   options in an environment variable may have blanks in their values, and eval would run what is in
#        them.
# In:    $words. Out: $word, and $words without it. Exit: 205 for a quote that is not closed.
#
# Blanks and newlines part words. '...' keeps all as it is; "..." too, but that \" and \\ are " and \ there; a
# backslash outside of quotes keeps the next character.
# shellcheck disable=SC2015,SC2034,SC2154

blank=' 	
'

# False when there is no word left.
next_word() {
	words=${words#"${words%%[!"$blank"]*}"}
	[ -n "$words" ] || return 1
	word=''
	while [ -n "$words" ]; do
		case $words in
		["$blank"]*) return 0 ;;
		\'*) take_single_quoted ;;
		\"*) take_double_quoted ;;
		\\*) take_escaped ;;
		*) take_plain ;;
		esac
	done
}

take_plain() {
	words_part=${words%%["$blank"\'\"\\]*}
	word=$word$words_part
	words=${words#"$words_part"}
}

take_escaped() {
	words=${words#?}
	words_part=${words%"${words#?}"}
	word=$word$words_part
	words=${words#?}
}

take_single_quoted() {
	words=${words#?}
	case $words in
	*\'*) ;;
	*) die "a ' that is not closed" ;;
	esac
	word=$word${words%%\'*}
	words=${words#*\'}
}

take_double_quoted() {
	words=${words#?}
	while :; do
		words_part=${words%%[\"\\]*}
		word=$word$words_part
		words=${words#"$words_part"}
		case $words in
		\"*) words=${words#?}; return ;;
		\\[\"\\]*) take_escaped ;;
		\\*) word=$word\\ words=${words#?} ;;
		*) die 'a " that is not closed' ;;
		esac
	done
}
