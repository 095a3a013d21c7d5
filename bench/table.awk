# SPDX-License-Identifier: GPL-2.0-only
#
# table.awk: the rows of bench.sh, and titles ("# ..."), as a table for people.

function figure(x) {
	if (x == "-") return "-"
	return x >= 100 || x == int(x) ? sprintf("%d", x + 0.5) : sprintf("%.2f", x)
}

function spread(mid, least, most) {
	if (mid == "-") return "-"
	return least == most ? figure(mid) : figure(mid) " (" figure(least) ".." figure(most) ")"
}

BEGIN { FS = "\t" }
/^# / {
	printf "\n%s\n", substr($0, 3)
	printf "  %-52s %-6s %-24s %-24s %-6s %s\n", "", "unit", "ours (least..most)", "baseline", "ratio", "limit"
	next
}
{
	ratio = $9 == "-" ? "-" : sprintf("%.2f", $9)
	limit = $10 == "-" ? "" : $10 " " $11
	printf "  %-52s %-6s %-24s %-24s %-6s %s\n", $1, $2, spread($3, $4, $5), spread($6, $7, $8), ratio, limit
}
