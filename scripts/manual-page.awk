# SPDX-License-Identifier: GPL-2.0-only
#
# manual-page.awk: a manual page from what a command says with --help, and from what its source says about it.
# In:   name, version, date; the kind of each file is told by the variable kind in front of it:
#         kind=help    the text of --help, BusyBox's form or ktrun's
#         kind=source  a C file: its header comment, whose paragraphs In, Out, Ends and Exit become
#         sections; its
#                      constants, by which that comment names times and sizes
#         kind=text    text in man(7) macros; what stands behind a line .\"AFTER goes behind the options
# Out:  the page, in man(7) macros.
# Exit: 0; 1 the help is of no known form.

function escape(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	gsub(/'/, "\\(aq", text)
	gsub(/`/, "\\(ga", text)
	sub(/^\./, "\\\\\\&.", text)
	return text
}

function lower_first(text) {
	return tolower(substr(text, 1, 1)) substr(text, 2)
}

# --- help ---

function take_entry(term, text) {
	entries = entries ".TP\n\\fB" escape(term) "\\fP\n" (text == "" ? "" : escape(text) "\n")
}

function busybox_help(line) {
	if (line ~ /^BusyBox v/ || line == "") return
	if (line ~ /^Usage: /) { synopsis[++uses] = substr(line, 8); return }
	if (line ~ /^\t\t/) { sub(/^\t\t/, "", line); entries = entries escape(line) "\n"; return }
	if (line ~ /^\t/) {
		sub(/^\t/, "", line)
		cut = index(line, "\t")
		take_entry(substr(line, 1, cut - 1), substr(line, cut + 1))
		return
	}
	if (summary == "") summary = line
}

function upper_first(text) {
	return toupper(substr(text, 1, 1)) substr(text, 2)
}

# What stands in brackets behind a group's name is said in front of its entries.
function start_group(line) {
	said = ""
	if (match(line, / \(.*\)/)) {
		said = escape(upper_first(substr(line, RSTART + 2, RLENGTH - 3))) ".\n"
		line = substr(line, 1, RSTART - 1)
	}
	if (line == "environment") line = ".SH ENVIRONMENT"
	else if (line == "exit codes") line = ".SH EXIT STATUS"
	else line = ".SS " escape(upper_first(line))
	entries = entries line "\n" said
}

function ktrun_help(line) {
	if (line ~ /^(usage:|      ) *ktrun/) { sub(/^[^k]*/, "", line); synopsis[++uses] = line; return }
	if (line == "") { in_summary = 0; return }
	if (summary == "") { summary = line; in_summary = 1; return }
	if (in_summary) { summary = summary " " line; return }
	if (line ~ /^[^ ]/) { start_group(line); return }
	if (line ~ /^  [^ ]/) {
		sub(/^  /, "", line)
		cut = match(line, /   *[^ ]/)
		if (cut) take_entry(substr(line, 1, cut - 1), substr(line, cut + RLENGTH - 1))
		else take_entry(line, "")
		return
	}
	sub(/^ */, "", line)
	entries = entries escape(line) "\n"
}

# --- source ---

# BusyBox is not told what a constant is worth, and a reader of the page should be.
function take_constant(line) {
	sub(/^\t/, "", line)
	constant = substr(line, 1, index(line, " ") - 1)
	sub(/^[^=]*= */, "", line)
	sub(/,.*/, "", line)
	factors = split(line, factor, / *\* */)
	worth = 1
	for (i = 1; i <= factors; i++) worth *= factor[i]
	if (constant ~ /_MS$/) worth = worth % 1000 ? worth " ms" : worth / 1000 " s"
	value_of[constant] = worth
}

function comment_section(line) {
	if (line ~ /^In: /) return "INPUT"
	if (line ~ /^Out: /) return "OUTPUT"
	if (line ~ /^Ends: /) return "END"
	if (line ~ /^Exit: /) return "EXIT STATUS"
	return paragraph_ended ? "DESCRIPTION" : section
}

function take_comment(line) {
	sub(/^ \*\/?/, "", line)
	sub(/^ /, "", line)
	if (line == "") { paragraph_ended = 1; return }
	section = comment_section(line)
	if (sub(/^(In|Out|Ends|Exit): */, "", line)) line = upper_first(line)
	else if (paragraph_ended && body[section] != "") body[section] = body[section] ".PP\n"
	paragraph_ended = 0
	sub(/^ */, "", line)
	body[section] = body[section] escape(line) "\n"
}

# The comment whose title begins with the command's name; the help has a better title.
function source(line) {
	if (line == "/*" && !comment) { comment = "title"; return }
	if (comment == "title") { comment = index(line, " * " name ":") == 1 ? "body" : ""; return }
	if (comment == "body") take_comment(line)
	if (comment && line == " */") comment = "ended"
	if (line ~ /^\t[A-Z_]+ = [0-9][0-9 *]*,/) take_constant(line)
}

# --- page ---

function with_constants(text) {
	for (constant in value_of) gsub(constant, value_of[constant], text)
	return text
}

function print_section(heading) {
	if (body[heading] != "") printf ".SH %s\n%s", heading, with_constants(body[heading])
}

function print_synopsis() {
	print ".SH SYNOPSIS"
	for (i = 1; i <= uses; i++) {
		rest = synopsis[i]
		sub(/^[^ ]+ ?/, "", rest)
		if (i > 1) print ".br"
		print ".B " name
		if (rest != "") print escape(rest)
	}
}

{ sub(/\r$/, "") }
kind == "help" && (FNR == 1) { form = /^BusyBox v/ ? "busybox" : /^usage: ktrun/ ? "ktrun" : "" }
kind == "help" && form == "busybox" { busybox_help($0) }
kind == "help" && form == "ktrun" { ktrun_help($0) }
kind == "source" { source($0) }
kind == "text" && /^\.\\"/ { if (/AFTER/) after = 1; next }
kind == "text" { if (after) text_after = text_after $0 "\n"; else text_before = text_before $0 "\n" }

END {
	if (!uses || summary == "") {
		print "manual-page.awk: " name ": no help in a known form" >"/dev/stderr"
		exit 1
	}
	sub(/\.$/, "", summary)
	printf ".TH %s 1 \"%s\" \"ktbox %s\" \"ktbox\"\n", toupper(name), date, version
	printf ".SH NAME\n%s \\- %s\n", escape(name), escape(lower_first(summary))
	print_synopsis()
	printf "%s", text_before
	print_section("DESCRIPTION")
	if (entries != "") printf ".SH OPTIONS\n%s", entries
	print_section("INPUT")
	print_section("OUTPUT")
	print_section("END")
	print_section("EXIT STATUS")
	printf "%s", text_after
	printf ".SH SEE ALSO\n"
	pages = split(others, other, " ")
	for (i = 1; i <= pages; i++) {
		if (other[i] != name) list = list (list == "" ? "" : ",\n") ".BR " other[i] " (1)"
	}
	print list
}
