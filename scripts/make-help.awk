# SPDX-License-Identifier: GPL-2.0-only
#
# make-help.awk Makefile: lists the targets, in the groups ("##@ NAME") and the order of the file.
# A target is listed when its line ends with "## WHAT IT DOES".

/^##@ / {
	printf "%s%s:\n", (groups++ ? "\n" : ""), substr($0, 5)
}

/^[a-z0-9._-]+:[^=].*## / {
	target = $0
	sub(/:.*/, "", target)
	sub(/.*## /, "")
	printf "  %-22s %s\n", target, $0
}
