# SPDX-License-Identifier: GPL-2.0-only
#
# manual-page.awk: make a manual page from what a command prints with --help.
# In:   name, version, date; others, the names of all pages, for SEE ALSO. The variable kind before each file tells
#       what the file is:
#         kind=help    the output of --help, in BusyBox's form or in that of ktrun ("usage: NAME")
#         kind=text    optional text in man(7) macros; it goes before the options, and what follows a line .\"AFTER
#                      goes after them
# Out:  the page, in man(7) macros.
# Exit: 0; 1 the help has no known form.

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

function upper_first(text) {
	return toupper(substr(text, 1, 1)) substr(text, 2)
}

# Options become bold, and words in capitals, which stand for a value, italic.
function markup(text,    out, word) {
	while (match(text, /--?[A-Za-z][A-Za-z-]*|[A-Z][A-Z0-9_]*/)) {
		word = substr(text, RSTART, RLENGTH)
		out = out escape(substr(text, 1, RSTART - 1)) (word ~ /^-/ ? "\\fB" : "\\fI") escape(word) "\\fP"
		text = substr(text, RSTART + RLENGTH)
	}
	return out escape(text)
}

function bold(text) {
	return "\\fB" escape(text) "\\fP"
}

# --- help ---

function add_entry(section, term, text) {
	body[section] = body[section] ".TP\n" term "\n" (text == "" ? "" : escape(text) "\n")
	current = section
}

function add_line(text) {
	body[current] = body[current] escape(text) "\n"
}

function busybox_entry(term, text) {
	if (term ~ /^-/) add_entry("OPTIONS", markup(term), text)
	else if (term ~ /^[a-z]/) add_entry("COMMANDS", bold(term), text)
	else add_entry("ARGUMENTS", markup(term), text)
}

function busybox_help(line,    cut) {
	if (line ~ /^BusyBox v/ || line == "") return
	if (line ~ /^Usage: /) { synopsis[++uses] = substr(line, 8); return }
	if (line ~ /^\t\t/) { sub(/^\t\t/, "", line); add_line(line); return }
	if (line ~ /^\t/) {
		sub(/^\t/, "", line)
		cut = index(line, "\t")
		busybox_entry(substr(line, 1, cut - 1), substr(line, cut + 1))
		return
	}
	if (summary == "") summary = line
}

# A group has a section of its own, or a part of OPTIONS. The text in parentheses after the name of a group goes
# before its entries.
function start_group(line,    note) {
	sub(/:$/, "", line)
	if (match(line, / \(.*\)/)) {
		note = escape(upper_first(substr(line, RSTART + 2, RLENGTH - 3))) ".\n"
		line = substr(line, 1, RSTART - 1)
	}
	current = line == "exit codes" ? "EXIT STATUS" : toupper(line)
	if (current !~ /^(COMMANDS|ARGUMENTS|OPTIONS|ENVIRONMENT|EXIT STATUS)$/) {
		current = "OPTIONS"
		body[current] = body[current] ".SS " escape(upper_first(line)) "\n"
	}
	body[current] = body[current] note
}

function group_entry(term, text) {
	add_entry(current, current == "OPTIONS" || current == "ARGUMENTS" ? markup(term) : bold(term), text)
}

function usage_help(line,    cut) {
	if (index(line, "usage: " name) == 1 || index(line, "       " name) == 1) {
		synopsis[++uses] = substr(line, 8)
		return
	}
	if (line == "") { in_summary = 0; return }
	if (summary == "") { summary = line; in_summary = 1; return }
	if (in_summary) { summary = summary " " line; return }
	if (line ~ /^[^ ]/) { start_group(line); return }
	if (line ~ /^  [^ ]/) {
		sub(/^  /, "", line)
		cut = match(line, /   *[^ ]/)
		if (cut) group_entry(substr(line, 1, cut - 1), substr(line, cut + RLENGTH - 1))
		else group_entry(line, "")
		return
	}
	sub(/^ */, "", line)
	add_line(line)
}

# --- page ---

function print_section(heading) {
	if (body[heading] != "") printf ".SH %s\n%s", heading, body[heading]
}

# NAME has the first sentence of the summary only: apropos(1) lists it on one line.
function print_name(    cut) {
	cut = index(summary, ". ")
	if (cut) { rest = substr(summary, cut + 2); summary = substr(summary, 1, cut) }
	sub(/\.$/, "", summary)
	printf ".SH NAME\n%s \\- %s\n", escape(name), escape(lower_first(summary))
}

function print_synopsis(    i, arguments) {
	print ".SH SYNOPSIS"
	for (i = 1; i <= uses; i++) {
		arguments = synopsis[i]
		sub(/^[^ ]+ ?/, "", arguments)
		if (i > 1) print ".br"
		print ".B " escape(name)
		if (arguments != "") print markup(arguments)
	}
}

function print_description() {
	if (text_before == "" && rest != "") print ".SH DESCRIPTION"
	printf "%s", text_before
	if (text_before != "" && rest != "") print ".PP"
	if (rest != "") print escape(rest)
}

function print_see_also(    pages, i, other, list) {
	pages = split(others, other, " ")
	for (i = 1; i <= pages; i++) {
		if (other[i] != name) list = list (list == "" ? "" : ",\n") ".BR " escape(other[i]) " (1)"
	}
	print ".SH SEE ALSO\n" list
}

{ sub(/\r$/, "") }
kind == "help" && FNR == 1 { form = /^BusyBox v/ ? "busybox" : index($0, "usage: " name) == 1 ? "usage" : "" }
kind == "help" && form == "busybox" { busybox_help($0) }
kind == "help" && form == "usage" { usage_help($0) }
kind == "text" && /^\.\\"/ { if (/AFTER/) after = 1; next }
kind == "text" { if (after) text_after = text_after $0 "\n"; else text_before = text_before $0 "\n" }

END {
	if (!uses || summary == "") {
		print "manual-page.awk: " name ": no help in a known form" >"/dev/stderr"
		exit 1
	}
	printf ".TH %s 1 \"%s\" \"ktbox %s\" \"ktbox\"\n", toupper(escape(name)), date, version
	print_name()
	print_synopsis()
	print_description()
	print_section("COMMANDS")
	print_section("ARGUMENTS")
	print_section("OPTIONS")
	print_section("ENVIRONMENT")
	print_section("EXIT STATUS")
	printf "%s", text_after
	print_see_also()
}
