# SPDX-License-Identifier: GPL-2.0-only
#
# Title: Throughput: checksums, the reader, and the guest's two ways out
#
# The guest's figures are on its own clock, in turns in one VM: the same bytes into the same port by dd, by ktdump, and
# by ktexec from cat.

# shellcheck disable=SC1091
. "$BENCH/bench.sh"

checksums() {
	gcc -O2 -o crc_speed "$BENCH/crc_speed.c" || return 1
	for run in $(seq "$(runs 7 3)"); do
		./crc_speed >crc || return 1
		read -r slicing ours clmul <crc
		echo "$slicing" >>crc.slicing
		echo "$ours" >>crc.ours
		echo "$clmul" >>crc.clmul
	done
	row 'checksum, against slicing by eight' MB/s crc.ours crc.slicing -
	row 'carry-less multiplication, against ours' MB/s crc.clmul crc.ours -
}

# Frames as ktdump makes them, and an exit frame.
make_stream() { # MIB
	head -c "$1M" /dev/urandom >log
	"$BB" ktdump -p stream log && "$BB" ktsend -p stream exit 0
}

per_second() { # MIB MS-FILE: MB/s
	awk -v mib="$1" '{ print mib * 1048.576 / ($1 ? $1 : 1) }' "$2"
}

reader() {
	mib=$(runs 1024 256)
	make_stream "$mib" || return 1
	rm log
	for run in $(seq "$(runs 7 3)"); do
		take_ms read.ms "$BB" ktrecv stream && take_ms cat.ms cat stream || return 1
		rm -rf parts
		take_ms parts.ms "$BB" ktrecv -d parts stream && take_ms cp.ms cp stream copy || return 1
		rm -f copy
	done
	rm -rf stream parts
	for what in read cat parts cp; do per_second "$mib" "$what.ms" >"$what.speed"; done
	row 'ktrecv, from a file on tmpfs' MB/s read.speed - '>=1000'
	row 'ktrecv -d on tmpfs, against cp' MB/s parts.speed cp.speed -
}

# Several VMs, each with little data: what the host has to write to memory that nobody has used yet differs by more than
# what is measured.
guest() {
	mib=32
	for _ in $(seq "$(runs 7 1)"); do
		"$KTRUN" -q -m 1024 --max-output 16G -o "$PWD/out" -i "$BENCH/guest_throughput.sh" -- \
			sh /include-files/guest_throughput.sh "$mib" 3 >out.txt 2>guest.err
		grep -a '^port:' out.txt >>out.ms || { cat guest.err >&2; return 1; }
		rm -rf out out.txt
	done
	for what in dd ktdump ktexec; do
		awk -v mib="$mib" -v way="by_$what" '$2 == way { print mib * 1048.576 / ($3 ? $3 : 1) }' out.ms >"$what.speed"
	done
	row "ktdump of $mib MiB, against dd bs=32k into the port" MB/s ktdump.speed dd.speed '>=0.9'
	row "ktexec cat of $mib MiB, against the same" MB/s ktexec.speed dd.speed '>=0.7'
}

checksums && reader && guest
