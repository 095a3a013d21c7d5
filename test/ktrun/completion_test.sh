#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Bash completion of ktrun.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/test.sh"

# tab WORD...: what bash offers for the last word of `ktrun WORD...`, a line each, in the file out.
tab() {
	# shellcheck disable=SC2016 # for bash
	run bash -c '. "$0/host/ktrun.bash-completion"
		COMP_WORDS=("$0/host/ktrun" "$@")
		COMP_CWORD=$#
		_ktrun "$0/host/ktrun" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		[ ${#COMPREPLY[@]} = 0 ] || printf "%s\n" "${COMPREPLY[@]}"' "$KT_TOP" "$@"
	assert_status 0
	assert_empty err
}

offers() { # TEXT
	grep -qxF -e "$1" out
	kt_verdict $? "$1 is not offered: $(tr '\n' ' ' <out)"
}

options_of_help() {
	"$KT_TOP/host/ktrun" --help | grep -oE '^  --?[a-zA-Z][a-zA-Z-]*' | tr -d ' '
}

test_every_option_of_the_help_is_completed() {
	assertTrue "options in --help" "[ $(options_of_help | wc -l) -gt 25 ]"
	for option in $(options_of_help); do
		tab "$option"
		offers "$option"
	done
}

test_a_beginning_is_completed_to_all_that_begin_so() {
	tab --re
	offers --replay
	assert_no_match '^-k$' out
	tab -
	offers -k
	offers --shell
	offers --
	tab ''
	offers -k
}

test_values_that_are_files_are_completed_as_files() {
	mkdir folder
	: >fine.elf
	: >scx_mine
	for option in -k --enable; do
		tab "$option" fin
		offers fine.elf
	done
	tab -s scx
	offers scx_mine
	tab -o fo
	offers folder
	tab -o fin
	assert_empty out
	tab -i fin
	offers fine.elf
	tab -i mkdi
	offers mkdir
}

test_a_value_glued_to_its_option_is_completed_too() {
	: >script
	tab --enable = scr
	offers script
	tab --enable =
	offers script
}

test_an_option_whose_value_may_be_missing_takes_no_word() {
	tab --trace -
	offers -k
}

test_a_number_is_left_to_the_user() {
	: >file
	tab -m ''
	assert_empty out
}

test_after_the_dashes_a_command_is_completed_and_then_files() {
	: >a-file
	tab -m 300 -- mkdi
	offers mkdir
	tab -- mkdir a-f
	offers a-file
	tab -- mkdir -
	assert_no_match '^-k$' out
}

test_bash_uses_it_for_ktrun() {
	run bash -c '. "$0/host/ktrun.bash-completion"; complete -p ktrun' "$KT_TOP"
	assert_file_text 'complete -F _ktrun ktrun' out
}

. shunit2
