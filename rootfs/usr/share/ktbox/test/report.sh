# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# How kt-test and its scripts tell the host of a test.
# In:  KT_TEST_FILE, the script's name; KT_TEST_STATE, its folder. Out: a test-case frame; a line in the
#      file told.

kt_report() { # STATUS MILLISECONDS NAME MESSAGE
	echo "$1" >>"$KT_TEST_STATE/reported"
	ktsend test-case "status=$1 ms=$2 file=$KT_TEST_FILE name=$3 message=$4"
}
