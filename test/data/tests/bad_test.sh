#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A script for ktrun --test: each test fails, and shunit2 alone would let two of them pass.

test_fails() {
	assertEquals 'a <b>' 1 2
}

test_in_a_subshell() {
	(assertEquals 1 2)
	return 0
}

test_nothing() {
	:
}

test_returns() {
	assertTrue true
	return 3
}

. shunit2
