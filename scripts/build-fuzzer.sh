#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-fuzzer.sh BB SAN NAME OUT [FILE]: a libFuzzer program of test/deep/fuzz/fuzz_NAME.c and what it feeds.
# In:   BB, the patched BusyBox tree; SAN, the directory of build-sanitized.sh: its headers and its libbb; FILE
#       takes the place of the file of its name: for a test, which breaks it.
# Out:  OUT, with clang's address and undefined-behaviour sanitizers; OUT.o, the fuzzer's own part. That has
#       no probes of libFuzzer: they would take most of the time, and lead to what is new to the oracle only.
#       The files have none at comparisons, which cost a third: the seeds have the words compared with.
# Exit: 0; 1 the build failed, or there is no such fuzzer.

set -eu

bb=${1:?usage: build-fuzzer.sh BB SAN NAME OUT [FILE]}
san=${2:?} name=${3:?} out=${4:?} changed=${5:-}

# What ktsh-lite asks of the system is answered by its fuzzer.
system=-Wl,--wrap=fopen_for_read,--wrap=open64,--wrap=safe_write,--wrap=close
link=
case $name in
lite) modules=ktsh_lite link=$system ;;
reader) modules='frame_reader wire crc32' ;;
trace) modules='scx_dump_scan scx_dump_end key_value trace_prefix' ;;
wake) modules=wake_bytes ;;
*)
	echo "build-fuzzer: no fuzzer '$name'" >&2
	exit 1
	;;
esac

sources() { # one line per file
	for module in $modules; do
		if [ "$module.c" = "${changed##*/}" ]; then echo "$changed"; else echo applets/*/"$module.c"; fi
	done
}

clang_sanitized() { # ARG...
	clang -std=gnu99 -funsigned-char -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iapplets/wire -Wall \
		-isystem "$san/include" -isystem "$bb/src/include" -include "$san/include/autoconf.h" \
		-g -O2 -fsanitize=address,undefined -fno-sanitize-recover=all "$@"
}

mkdir -p "$(dirname "$out")"
clang_sanitized -c -o "$out.o" "test/deep/fuzz/fuzz_$name.c"
# shellcheck disable=SC2046,SC2086  # lists of words, and perhaps none
clang_sanitized -fsanitize=fuzzer -fno-sanitize-coverage=trace-cmp $link -o "$out" \
	"$out.o" test/deep/fuzz/shim.c $(sources) "$san/libbb/lib.a" -lm
