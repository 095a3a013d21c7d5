# SPDX-License-Identifier: GPL-2.0-only
#
# row.awk: two files of sorted samples, ours and the baseline's (may be empty) -> a row of bench.sh.
# In: -v what unit limit. Out: the row.

FILENAME == ARGV[1] { ours[++n] = $1 }
FILENAME == ARGV[2] { base[++m] = $1 }

function median(list, count) {
	return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

function holds(figure) {
	return substr(limit, 1, 2) == "<=" ? figure <= substr(limit, 3) + 0 : figure >= substr(limit, 3) + 0
}

END {
	OFS = "\t"
	mine = median(ours, n)
	ratio = m && median(base, m) > 0 ? mine / median(base, m) : "-"
	verdict = limit == "-" ? "-" : holds(m ? ratio : mine) ? "ok" : "missed"
	if (m) print what, unit, mine, ours[1], ours[n], median(base, m), base[1], base[m], ratio, limit, verdict
	else print what, unit, mine, ours[1], ours[n], "-", "-", "-", "-", limit, verdict
}
