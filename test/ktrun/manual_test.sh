#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The manual pages in build/man: each command has one, it is well-formed, and it says what --help says.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/test.sh"

MAN=$KT_TOP/build/man

commands() {
	printf '%s\n' ktrun kt kt-scenario kt-test
	kt --list | grep '^kt'
}

# help_of COMMAND
help_of() {
	case $1 in
	ktrun) "$KT_TOP/host/ktrun" --help ;;
	kt | kt-scenario | kt-test) sh "$KT_TOP/rootfs/usr/bin/$1" --help ;;
	*) kt "$1" --help 2>&1 ;;
	esac
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

# name_of PAGE: the command and its description, as lexgrog reads them for apropos: "NAME - DESCRIPTION".
name_of() {
	lexgrog "$1" | sed -n 's/^[^"]*: "\(.*\)"$/\1/p'
}

test_lexgrog_reads_the_name_of_each_page_as_one_short_line() {
	for command in $(commands); do
		name_of "$MAN/$command.1" >name
		assert_matches "^$command - [a-z]" name
		assert_no_match '\.$|\. [A-Z]' name
		assertTrue "$(cat name)" "[ $(wc -c <name) -le 140 ]"
	done
}

test_a_page_without_a_well_formed_name_is_found() {
	printf '.TH X 1\n.SH NAME\nx does this\n.SH SYNOPSIS\nx\n' >nameless.1
	assertEquals '' "$(name_of nameless.1)"
}

test_options_have_their_flag_in_bold_and_its_value_in_italics() {
	for command in $(commands); do
		sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' "$MAN/$command.1" >options
		sed -n '/^\.TP$/{n;p;}' options >terms
		assertEquals "$command: options without markup" '' "$(grep -v '^.fB.-' terms)"
	done
	assert_matches '^.fB.-p.fP .fIPATH.fP$' "$MAN/ktsend.1"
}

test_a_page_has_every_option_of_its_help() {
	for command in $(commands); do
		text_of "$command" >text
		for term in $(terms_of "$command"); do
			assert_matches "(^| )$term( |\$|\\[=)" text
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

# grace_of APPLET: seconds between TERM and KILL, by its source.
grace_of() {
	sed -n 's/^\tGRACE_MS = \([0-9]*\)000,.*/\1/p' "$(find "$KT_TOP/applets" -name "$1.c")"
}

test_constants_of_the_source_are_shown_by_their_value() {
	for command in ktexitmon ktexec; do
		text_of "$command" >text
		assert_matches "KILL after $(grace_of "$command") s" text
	done
	# KTRUN_WARM_MAX is a variable of the user's.
	assertEquals "names of constants" "" "$(sed 's/KTRUN_WARM_MAX//g' "$MAN"/*.1 | grep -E '[A-Z]_(MS|MAX)\b')"
}

test_a_help_in_no_known_form_is_an_error() {
	echo 'just do it' >help
	run awk -f "$KT_TOP/scripts/manual-page.awk" -v name=x kind=help help
	assert_status 1
	assert_matches 'no help in a known form' err
}

. shunit2
