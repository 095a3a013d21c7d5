# Guest text for other formats, and result.json for awk.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   what goes into XML, HTML or TAP is the guest's: one place makes any bytes valid UTF-8 without control
#        characters, and one place reads result.json, so that no format has an escaping of its own.
# In:    bytes; $out/result.json. Out: $awk_text, functions that other awk programs begin with; lines of
#        fields between tabs. Exit: none of its own.
# shellcheck disable=SC2015,SC2016,SC2034,SC2154

# clean(s)     control characters as their pictures (ESC is U+241B), what is no UTF-8 as U+FFFD, and so
#              whatever XML forbids and whatever turns the direction of the text around; a tab stays
# xml(s)       the same, for an element or an attribute in double quotes
# fields(s, F) F[KEY] of a flat JSON object, strings decoded and clean, null as ""
awk_text='
BEGIN {
	for (code = 1; code < 256; code++) ord[sprintf("%c", code)] = code
	least[2] = 128; least[3] = 2048; least[4] = 65536
	lost = sprintf("%c%c%c", 239, 191, 189)
}
function picture(code) {
	return sprintf("%c%c%c", 226, 144, code == 127 ? 161 : 128 + code)
}
function is_shown(u) {
	if (u < 160 || u > 1114111 || (u >= 55296 && u < 57344) || u % 65536 >= 65534) return 0
	return !((u >= 8206 && u <= 8207) || (u >= 8234 && u <= 8238) || (u >= 8294 && u <= 8297))
}
function char_len(s, at,   lead, len, i, next_byte, u) {
	lead = ord[substr(s, at, 1)]
	if (lead < 194 || lead > 244) return 0
	len = lead >= 240 ? 4 : lead >= 224 ? 3 : 2
	u = lead % (len == 2 ? 32 : len == 3 ? 16 : 8)
	for (i = 1; i < len; i++) {
		next_byte = ord[substr(s, at + i, 1)]
		if (next_byte < 128 || next_byte > 191) return 0
		u = u * 64 + next_byte - 128
	}
	return u >= least[len] && is_shown(u) ? len : 0
}
function clean(s,   result, at, len, from, end, code) {
	if (s !~ /[^ -~]/) return s
	from = at = 1
	end = length(s)
	while (at <= end) {
		code = ord[substr(s, at, 1)]
		len = code < 127 && code >= 32 || code == 9 ? 1 : code < 128 ? 0 : char_len(s, at)
		if (len) { at += len; continue }
		result = result substr(s, from, at - from) (code < 128 ? picture(code) : lost)
		from = ++at
	}
	return result substr(s, from)
}
function entities(s) {
	gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); gsub(/>/, "\\&gt;", s); gsub(/"/, "\\&quot;", s)
	return s
}
function xml(s) {
	return entities(clean(s))
}
function hexadecimal(s,   i, value) {
	for (i = 1; i <= length(s); i++) value = value * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return value
}
function decoded(s,   result, at, what, code) {
	while (at = index(s, "\\")) {
		what = substr(s, at + 1, 1)
		result = result substr(s, 1, at - 1)
		s = substr(s, at + 2)
		if (what == "n") what = "; "
		else if (what == "t") what = "\t"
		else if (what == "u") {
			code = hexadecimal(substr(s, 1, 4))
			what = code > 0 && code < 128 ? sprintf("%c", code) : code ? lost : picture(0)
			s = substr(s, 5)
		}
		result = result what
	}
	return clean(result s)
}
function fields(s, F,   key) {
	split("", F)
	while (match(s, /"[a-z_]+": ?("([^"\\]|\\.)*"|[-0-9.]+|true|false|null)/)) {
		key = substr(s, RSTART + 1, RLENGTH - 1)
		s = substr(s, RSTART + RLENGTH)
		what = substr(key, index(key, ":") + 1)
		sub(/^ /, "", what)
		key = substr(key, 1, index(key, "\"") - 1)
		if (what ~ /^"/) what = decoded(substr(what, 2, length(what) - 2))
		else if (what == "null") what = ""
		F[key] = what
	}
}
'

# The objects of the array KEY, a line each, the fields of COLUMNS between tabs. FIRST is the first key of
# each object: no string can look like the border between two, since its quotes are escaped.
records() { # KEY FIRST COLUMNS
	sed -n '/^  "'"$1"'": \[{.*}\],*$/ { s/^  "[a-z_]*": \[//; s/\],*$//; s/},{"'"$2"'":/}\
{"'"$2"'":/g; p; }' "$out/result.json" | "$bb" awk -v columns="$3" "$awk_text"'
		BEGIN { count = split(columns, column, " ") }
		{
			fields($0, F)
			for (i = 1; i <= count; i++) {
				gsub(/\t/, " ", F[column[i]])
				printf "%s%s", F[column[i]], (i < count ? "\t" : "\n")
			}
		}'
}

# The ends of FILE, at most HEAD bytes and TAIL bytes, as clean lines; what was left out is said between them.
# NUL, which awk takes for the end of a line, becomes a byte that no UTF-8 has.
text_ends() { # FILE HEAD TAIL
	[ -s "$1" ] || return 0
	text_size=$(wc -c <"$1")
	if [ "$text_size" -le $(($2 + $3)) ]; then
		cat "$1"
	else
		[ "$2" = 0 ] || { head -c "$2" "$1"; echo; }
		echo "[... $((text_size - $2 - $3)) of $text_size bytes left out ...]"
		tail -c "$3" "$1"
	fi | tr '\000' '\377' | tr -d '\r'
}
