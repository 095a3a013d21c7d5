# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Reports a test to the host; read by kt-test and by its scripts.
# In:   KT_TEST_FILE, the script's name; KT_TEST_STATE, the script's directory.
# Out:  a test-case frame; the test's status as a line in KT_TEST_STATE/reported.

kt_report() { # STATUS MILLISECONDS NAME MESSAGE
	echo "$1" >>"$KT_TEST_STATE/reported"
	ktsend test-case "status=$1 ms=$2 file=$KT_TEST_FILE name=$3 message=$4"
}
