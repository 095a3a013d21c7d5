# SPDX-License-Identifier: GPL-2.0-only
#
# chart.awk: the rows of bench.sh that have a baseline, as an SVG: a bar a ratio, a line where ours =
# baseline.

function escape(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	return text
}

BEGIN { FS = "\t"; UNIT = 200; LEFT = 400; STEP = 22 }
$9 != "-" && NF > 8 {
	n++
	y = n * STEP
	width = $9 * UNIT > 700 ? 700 : $9 * UNIT
	color = $11 == "missed" ? "#c0504d" : "#4f81bd"
	bars = bars sprintf("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 8, y + 12, escape($1))
	bars = bars sprintf("<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"15\" fill=\"%s\"/>\n",
		LEFT, y, width, color)
	bars = bars sprintf("<text x=\"%.1f\" y=\"%d\">%.2f %s</text>\n",
		LEFT + width + 6, y + 12, $9, escape($10 == "-" ? "" : $10))
}
END {
	height = (n + 2) * STEP
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1200\" height=\"%d\"", height
	print " font-family=\"sans-serif\" font-size=\"12\">"
	print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
	printf "%s<line x1=\"%d\" x2=\"%d\" y1=\"10\" y2=\"%d\" stroke=\"black\"/>\n",
		bars, LEFT + UNIT, LEFT + UNIT, height
	print "</svg>"
}
