# shellcheck shell=sh disable=SC2034
# SPDX-License-Identifier: GPL-2.0-only
#
# unit.sh: helpers of the applets' tests. Frames go through the tests' own encoder and decoder (tools/frames.py).

. "$KT_TEST_LIB/test.sh"
DATA=$KT_TOP/test/data

# encode ITEM...: writes a stream to stdout; frames.py describes the ITEMs.
encode() {
	"$KT_PYTHON" "$KT_TOP/test/tools/frames.py" encode "$@"
}

# decode FILE: prints its frames, one per line.
decode() {
	"$KT_PYTHON" "$KT_TOP/test/tools/frames.py" decode "$1" 2>&1
}

# payload TYPE FILE: writes the payloads of this type to stdout.
payload() {
	"$KT_PYTHON" "$KT_TOP/test/tools/frames.py" payload "$1" "$2"
}

# assert_frames FILE LINE...: the file holds exactly these frames, as decode() shows them.
assert_frames() {
	frames_file=$1
	shift
	assertEquals "frames in $frames_file" "$(printf '%s\n' "$@")" "$(decode "$frames_file")"
}

# types_in FILE: prints the types of its frames on one line.
types_in() {
	decode "$1" | sed 's/ .*//' | tr '\n' ' ' | sed 's/ $//'
}

# assert_valid FILE: a result.json by its schema.
assert_valid() {
	"$KT_PYTHON" "$KT_TOP/test/tools/validate.py" "$KT_TOP/docs/internals/result.schema.json" "$1" >invalid 2>&1
	kt_verdict $? "not by the schema: $(kt_head invalid)"
}

# bytes COUNT [SEED]: writes pseudo-random bytes, the same for the same seed.
bytes() {
	"$KT_PYTHON" -c 'import random, sys
sys.stdout.buffer.write(random.Random(int(sys.argv[2])).randbytes(int(sys.argv[1])))' "$1" "${2:-1}"
}

# text COUNT: writes that many letters x.
text() {
	head -c "$1" /dev/zero | tr '\0' x
}

# clock_ms: prints CLOCK_MONOTONIC, the clock of the marks, in milliseconds.
clock_ms() {
	"$KT_PYTHON" -c 'import time; print(time.monotonic_ns() // 1000000)'
}

# lines_of N LINE: writes the line N times.
lines_of() {
	yes "$2" | head -n "$1"
}

# limit_memory KIB: limits this shell and all that it starts. There is no such limit under the address sanitizer
# (make test-sanitized), which reserves terabytes of address space.
limit_memory() {
	# shellcheck disable=SC3045  # dash and ash have it
	[ -n "${KT_SANITIZED:-}" ] || ulimit -v "$1"
}
