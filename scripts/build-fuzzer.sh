#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-fuzzer.sh BB SAN NAME OUT FILE...: a libFuzzer program of test/fuzz/fuzz_NAME.c and these rooms.
# In:   BB, the patched BusyBox tree; SAN, the folder of build-sanitized.sh: its headers and its libbb.
# Out:  OUT, with clang's address and undefined-behaviour sanitizers.
# Exit: the compiler's.

set -eu

bb=${1:?usage: build-fuzzer.sh BB SAN NAME OUT FILE...}
san=${2:?} name=${3:?} out=${4:?}
shift 4

mkdir -p "$(dirname "$out")"
exec clang -std=gnu99 -funsigned-char -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iapplets -Wall \
	-isystem "$san/include" -isystem "$bb/src/include" -include "$san/include/autoconf.h" \
	-g -O2 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o "$out" \
	"test/fuzz/fuzz_$name.c" test/fuzz/shim.c "$@" "$san/libbb/lib.a" -lm
