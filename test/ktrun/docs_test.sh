#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The documents: their tables are tables, their links lead somewhere, and no document or source file cites a file that
# the tree does not have.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/test.sh"

here=docs # apart from the names in it, so that what is planted is no citation of this file

check() { # KIND [TOP]
	run "$KT_PYTHON" "$KT_TOP/test/tools/documents.py" "$1" "${2:-$KT_TOP}"
}

# plant NAME LINE...: a document of a tree that has nothing else
plant() {
	mkdir -p tree/docs
	plant_name=$1
	shift
	printf '%s\n' "$@" >"tree/docs/$plant_name"
}

assert_clean() { # KIND
	check "$1"
	assert_file_text '' out
	assert_empty err
	assert_status 0
}

assert_found() { # KIND LINE...
	found_kind=$1
	shift
	check "$found_kind" tree
	assert_file_text "$(printf '%s\n' "$@")" out
	assert_status 1
}

test_all_documents_are_looked_at() {
	assertTrue "documents" "[ $(find "$KT_TOP/docs" -name '*.md' | wc -l) -ge 15 ]"
	assert_matches '^\|' "$KT_TOP/README.md"
}

test_each_table_has_as_many_cells_in_each_row_and_no_row_is_outside_a_table() {
	assert_clean tables
}

test_each_relative_link_leads_to_a_file_and_a_heading() {
	assert_clean links
}

test_no_document_names_a_file_that_is_not_there() {
	assert_clean files
}

test_no_source_file_cites_a_document_that_is_not_there() {
	assert_clean citations
}

test_each_directory_of_the_launcher_lists_its_modules() {
	assert_clean modules
}

test_a_module_that_is_not_listed_is_found() {
	mkdir -p tree/host/launcher/step
	printf '"""A step.\n\nknown  is listed\n"""\n' | tee tree/host/launcher/step/__init__.py >tree/host/launcher/__init__.py
	touch tree/host/launcher/step/known.py tree/host/launcher/step/forgotten.py
	assert_found modules 'host/launcher/__init__.py:2: not listed: step/' \
		'host/launcher/step/__init__.py:2: not listed: forgotten'
}

test_no_task_needs_more_words_in_ktrun() {
	assert_clean words
	assertTrue "tasks" "[ $(grep -c '^| .*`ktrun' "$KT_TOP/docs/use/tasks.md") -ge 15 ]"
}

test_a_task_that_needs_more_words_in_ktrun_is_found() {
	mkdir -p tree/docs/use
	plant use/tasks.md '| task | ktrun | vng |' '|---|---|---|' '| a | `ktrun -- a` | `vng -- a` |' \
		"| b | \`ktrun -k 'x y' -- b\` | \`vng b\` or \`vng\` |" '| c | `ktrun a` | - |'
	assert_found words "docs/use/tasks.md:4: ktrun needs 5 words, and 2 are enough"
}

test_a_row_after_an_empty_line_is_found() {
	plant a.md '| a | b |' '|---|---|' '| 1 | 2 |' '' '| 3 | 4 |'
	assert_found tables "$here/a.md:5: "'row outside a table: | 3 | 4 |'
}

test_text_glued_to_a_table_is_found() {
	plant a.md '| a | b |' '|---|---|' '| 1 | 2 |' 'The last rows ran two at a time.'
	assert_found tables "$here/a.md:4: "'text glued to a table: The last rows ran two at a time.'
}

test_a_row_with_a_cell_too_many_is_found_and_an_escaped_bar_is_no_cell() {
	plant a.md '| a | b |' '|---|---|' '| 1 | 2 | 3 |' '| `x\|y` | 2 |' '| 1 | 2'
	assert_found tables "$here/a.md:3: "'3 cells, not 2: | 1 | 2 | 3 |' "$here/a.md:5: "'row without its last bar: | 1 | 2'
}

test_a_table_in_a_code_block_is_no_table() {
	plant a.md '```' '| a | b |' '```'
	check tables tree
	assert_status 0
	assert_empty out
}

test_a_link_to_nothing_is_found() {
	plant a.md '[b](b.md) [c](../other/c.md) [here](#the-end) [there](#nowhere) [far](https://example.org/x.md)' '## The end'
	plant b.md ''
	assert_found links "$here/a.md:1: "'no such file: ../other/c.md' "$here/a.md:1: "'no such heading: #nowhere'
}

test_a_file_that_is_not_there_is_found_also_by_its_name_alone() {
	mkdir -p tree/applets/lib
	: >tree/applets/lib/port.c
	plant a.md '`applets/lib/{port,mark}.c` `applets/*/*.c` `port.c` `room.sh` `host/ktrun -n`'
	assert_found files "$here/a.md:1: "'no such file: applets/lib/mark.c' "$here/a.md:1: "'no file of this name: room.sh' \
		"$here/a.md:1: "'no such file: host/ktrun'
}

test_a_source_that_cites_a_missing_document_is_found() {
	plant a.md ''
	echo "/* $here/a.md, $here/wire.md, and design."'md rule 2 */' >tree/port.h
	assert_found citations "port.h:1: no such document: $here/wire.md" \
		'port.h:1: no such document: design.''md'
}

# shellcheck disable=SC1091
. shunit2
