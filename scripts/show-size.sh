#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# show-size.sh DIR KT: show how large the guest is.
# In:   DIR, with busybox and initramfs.cpio; KT, the directory of the kt objects.
# Out:  the bytes of both files, of all kt objects, and of the ten largest of them (code and data).
# Exit: 0

set -eu

dir=${1:?usage: show-size.sh DIR KT}
kt=${2:?}

for file in busybox initramfs.cpio; do
	printf '%9d  %s\n' "$(wc -c <"$dir/$file")" "$dir/$file"
done
find "$kt" -name '*.o' ! -name built-in.o -exec size {} + |
	awk 'NR > 1 { n = split($6, path, "/"); print $1 + $2, path[n]; sum += $1 + $2 }
		END { print sum, "all kt objects" }' |
	sort -rn | head -n 11 | awk '{ bytes = $1; sub(/^[0-9]+ /, ""); printf "%9d  %s\n", bytes, $0 }'
