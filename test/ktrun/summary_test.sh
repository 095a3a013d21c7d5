#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --summary: Markdown that is appended, and in which text of guests and users is nothing but text. cmark-gfm, the
# renderer of GitHub's dialect, reads it.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; scripts are text
. "$KT_TEST_LIB/stub.sh"

DEMO=$KT_TOP/build/scx_demo
# Markup, a table's bar, a link, a mention, an end of the block, control characters, a line of its own
NASTY='</pre></td>|<script>alert(1)</script>|[a](b)\x20![a](b)\x20`x`\x20@user\x20\x1b[2J\x20*x*\x20\n\n#\x20head\n'

# rendered: s.md as HTML in html; the kinds of its elements, a line each, in tags; its text in text.
rendered() {
	cmark-gfm --extension table --extension autolink --unsafe s.md >html
	"$KT_PYTHON" -c 'import html.parser, sys
class Reader(html.parser.HTMLParser):
    tags, text = set(), []
    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
    def handle_data(self, data):
        self.text.append(data)
reader = Reader()
reader.feed(open("html", encoding="utf-8").read())
open("tags", "w").write("".join(tag + "\n" for tag in sorted(reader.tags)))
open("text", "w", encoding="utf-8").write("".join(reader.text))'
}

assert_only() { # TAG...: no other elements
	printf '%s\n' "$@" | sort >allowed
	assertEquals "elements: $(kt_head html)" "" "$(comm -23 tags allowed)"
}

dies_nastily() {
	streams $READY $ATTACHED $STARTED "sched-log====SCHED_OUTPUT_START===" "sched-log=$NASTY" \
		"sched-log====SCHED_OUTPUT_END===" "lifecycle#phase:3:$NASTY" sched-exit#i32:1 $OUT0 $EXIT
}

test_the_tests_that_failed_have_their_names() {
	streams $READY $STARTED 'test-case=status=failed\x20ms=2\x20file=a_test.sh\x20name=test_*x*\x20message=it\x20broke' \
		'test-case=status=passed\x20ms=2\x20file=a_test.sh\x20name=test_good\x20message=' $OUT0 $EXIT
	ktrun --summary s.md -- true
	assert_matches '^- tests: 1 passed, 1 failed' s.md
	assert_matches 'a.*test.*\.sh: test.*x.*: it broke$' s.md
	assert_no_match 'good' s.md
	rendered
	assert_only h3 p ul li code
}

test_a_run_is_summed_up() {
	streams $READY $ATTACHED $STARTED $DIED $OUT7 $EXIT
	ktrun --summary s.md -s "$DEMO" -a '--delay 5' -- sh -c 'exit 7'
	assert_status 202
	rendered
	assert_matches '<h3>ktrun: sched-died \(code 202\)</h3>' html
	assert_matches 'the scheduler died during the run: exited after 0.40 s' text
	assert_matches "<code>$DEMO --delay 5</code>: demo: attached, died" html
	assert_matches '<code>.*exit 7.*</code>: code 7' html
	assert_matches 'unknown, tcg, ' text
}

test_a_pass_has_no_excerpts_of_logs() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun --summary s.md -- true
	assert_no_match '<details>' s.md
	dies_nastily
	ktrun --summary s.md -s "$DEMO" -- true
	assert_matches '<details>' s.md
}

test_it_is_appended_to_what_is_there() {
	printf 'Before, without an end' >s.md
	streams $READY $STARTED $OUT0 $EXIT
	ktrun --summary s.md -- true
	ktrun --summary s.md -- true
	assertEquals "Before, without an end" "$(head -n 1 s.md)"
	rendered
	assertEquals "headings" 2 "$(grep -c '<h3>ktrun: pass (code 0)</h3>' html)"
	mkfifo pipe
	timeout "$KT_CEILING" cat pipe >got &
	ktrun --summary pipe -- true
	wait $!
	assert_matches '^### ktrun: pass' got
	ktrun -q --summary - -- true
	assert_matches '^### ktrun: pass' out
}

test_text_of_a_guest_is_no_markup() {
	dies_nastily
	ktrun --summary s.md -s "$DEMO" -- 'ec`ho' '<b>|@user</b>' 'a*b*c'
	assert_status 202
	rendered
	assert_only h3 p ul li code details summary pre
	assert_matches '<script>alert\(1\)</script>' text # as text
	assert_matches '\| ?<script>|\|<script>' text
	assertEquals "control characters" "" "$(LC_ALL=C tr -d '\n -~\200-\377' <s.md | od -An -tx1)"
	assertEquals "mentions" 0 "$(grep -c '[^;\\]@user' s.md)"
}

test_a_report_that_cannot_be_written_is_one_line_before_anything_starts() {
	for path in /no/such/file.md .; do
		ktrun --summary "$path" -- true
		assert_refused
		assert_matches '^ktrun: --summary: ' err
	done
	ktrun --summary '' -- true
	assert_refused
	assert_matches '^ktrun: --summary: an empty path' err
	ktrun --summary x --json x -- true
	assert_refused
}

test_a_replay_gives_the_same() {
	dies_nastily
	ktrun --summary s.md -s "$DEMO" -- true
	run "$KTRUN" --replay art --summary again.md
	assert_same_bytes s.md again.md
}

test_a_matrix_is_a_table() {
	echo 'if grep -qa "exit 7" "$initrd"; then cat "$STUB/failed" >>"$bulk"; else cat "$STUB/passed" >>"$bulk"; fi' >stub/act
	encode $READY $ATTACHED $STARTED $OUT0 $STOPPED $EXIT >stub/passed
	encode $READY $ATTACHED $STARTED $IERR "init-error=x" $OUT7 $STOPPED $EXIT >stub/failed
	printf '%s\n' "scheduler = demo $DEMO" 'payload = good true' 'payload = bad exit 7' 'memory = 256' >matrix
	run "$KTRUN" --matrix matrix -o "$PWD/m" --summary s.md
	assert_status 1
	rendered
	assert_matches '<h3>ktrun: matrix: 1 of 2 cells passed, 1 failed</h3>' html
	assertEquals "rows" 2 "$(grep -c '^<td>.*/1' html)"
	assert_matches '<code>bad</code>: <strong>init-failed</strong> payload: it broke' html
	assert_only h3 p ul li code table thead tbody tr th td strong
	run "$KTRUN" --matrix matrix -o "$PWD/m" --summary /no/such/s.md
	assert_status 205
}

test_a_comparison_is_its_table() {
	streams $READY $ATTACHED $STARTED $OUT0 $STOPPED $EXIT
	run "$KTRUN" --compare none 'args=a|b <i>' -s "$DEMO" --runs 1 -o "$PWD/c" --summary s.md -- true
	assert_status 205
	run "$KTRUN" --compare none none --runs 1 -o "$PWD/c" --summary s.md --markdown c.md -- true
	assert_status 0
	assert_matches '^### ktrun: comparison: 2 of 2 runs passed, 0 failed$' s.md
	while IFS= read -r line; do
		grep -qxF -e "$line" s.md || echo "$line"
	done <c.md >missing
	assert_empty missing
}

. shunit2
