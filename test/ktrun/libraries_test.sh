#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# launcher/files/libraries.py finds what this machine's loader finds, for programs of this machine.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/stub.sh"

test_the_libraries_of_programs_are_those_that_the_loader_lists() {
	launcher 'import os, subprocess
from launcher.files.libraries import Loader
loader, asked, wrong = Loader(""), 0, []
for name in sorted(os.listdir("/usr/bin"))[::int(sys.argv[1])]:
    path = os.path.realpath("/usr/bin/" + name)
    dynamic = loader.dynamic(path)
    if not dynamic or not dynamic.interpreter:
        continue
    listed = subprocess.run([dynamic.interpreter, "--list", path], capture_output=True, text=True, env={}).stdout
    words = [line.split() for line in listed.split("\n")]
    theirs = {word[2 if "=>" in word else 0] for word in words if "/" in " ".join(word)}
    theirs = {os.path.realpath(path) for path in theirs if path.startswith("/")}
    ours = {os.path.realpath(found.path) for found in loader.libraries(path).found}
    ours -= {path for path in ours - theirs if "/libnss_" in path or "/libgcc_s" in path}
    asked += 1
    if ours != theirs:
        wrong.append((path, ours ^ theirs))
print("enough" if asked > 20 else asked, wrong)' 12 >compared
	assert_file_text 'enough []' compared
}

test_a_file_that_is_no_object_has_no_libraries() {
	: >empty
	printf '\177ELF\002\001\001' >short
	{ printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\003\000\076\000'; bytes 4000; } >wrong
	head -c 200 /bin/ls >"cut"
	launcher 'from launcher.files.elf import read_dynamic
print([read_dynamic(path) for path in sys.argv[1:]])' empty short wrong cut >printed
	assert_file_text '[None, None, None, None]' printed
}

. shunit2
