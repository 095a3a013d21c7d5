#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The manual pages in build/man: there is one for each command, it is sound, and it says what --help says.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/test.sh"

MAN=$KT_TOP/build/man

commands() {
	echo ktrun
	kt --list | grep '^kt'
}

# help_of COMMAND
help_of() {
	if [ "$1" = ktrun ]; then "$KT_TOP/host/ktrun" --help; else kt "$1" --help 2>&1; fi
}

# text_of COMMAND: the page, as one line without formatting.
text_of() {
	mandoc -Tascii "$MAN/$1.1" | sed 's/.\x08//g; s/-$/-\n/' | tr -s ' \n\t' ' '
}

# terms_of COMMAND: the first word of each entry of its help that is an option.
terms_of() {
	help_of "$1" | sed -nE 's/^(\t|  )(--?[A-Za-z][a-zA-Z-]*).*/\2/p'
}

test_every_command_has_a_page_and_every_page_a_command() {
	commands | sed 's/$/.1/' | LC_ALL=C sort >expected
	LC_ALL=C ls "$MAN" >pages
	assert_same_bytes expected pages
	assertTrue "there are several" "[ $(wc -l <pages) -gt 12 ]"
}

test_no_page_has_a_fault_that_mandoc_or_groff_finds() {
	for page in "$MAN"/*.1; do
		run mandoc -Tlint -W warning "$page"
		assert_empty out
		run man --warnings -Tascii -l -Z "$page"
		assert_status 0
		assert_empty err
	done
}

test_a_faulty_page_is_found() {
	printf '.TH X 1\n.SH NAME\nx \\- y\n.QQ\n.RE\n' >faulty.1
	run mandoc -Tlint -W warning faulty.1
	assert_matches WARNING out
}

test_a_page_has_every_option_of_its_help() {
	for command in $(commands); do
		text_of "$command" >text
		for term in $(terms_of "$command"); do
			assert_matches "(^| )$term( |\$)" text
		done
	done
	assertTrue "ktrun's options" "[ $(terms_of ktrun | wc -l) -gt 25 ]"
}

test_a_page_has_the_sections_that_a_reader_expects() {
	for command in $(commands); do
		for section in NAME SYNOPSIS 'EXIT STATUS' 'SEE ALSO'; do
			assert_matches "^\.SH $section\$" "$MAN/$command.1"
		done
		assert_matches "^$(echo "$command" | sed 's/-/\\\\-/') \\\\- ." "$MAN/$command.1"
	done
	for section in DESCRIPTION OPTIONS ENVIRONMENT FILES EXAMPLES; do
		assert_matches "^\.SH $section\$" "$MAN/ktrun.1"
	done
}

test_constants_of_the_source_are_shown_by_their_value() {
	assert_matches 'KILL after 3 s' "$MAN/ktexitmon.1"
	assertEquals "names of constants" "" "$(grep -lE '[A-Z]_(MS|MAX)\b' "$MAN"/*.1)"
}

test_a_help_in_no_known_form_is_an_error() {
	echo 'just do it' >help
	run awk -f "$KT_TOP/scripts/manual-page.awk" -v name=x kind=help help
	assert_status 1
	assert_matches 'no help in a known form' err
}

. shunit2
