# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# apt-state.sh: functions for the scripts that fetch Debian packages of a suite that this machine does not use.
# apt runs with a state of its own, a copy of the machine's settings without their hooks, so nothing is installed and no
# root is needed.
# In:   here, the directory of the scripts; KT_ARCH, whose packages are wanted (x86_64, the default, or aarch64);
#       KT_APT, the directory of the state (build/apt).
# Out:  apt, the directory, with apt's output in its file "log"; the functions below.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
case ${KT_ARCH:-x86_64} in
x86_64) deb_arch=amd64 ;;
aarch64) deb_arch=arm64 ;;
esac
mkdir -p "${KT_APT:-build/apt}"
apt=$(cd "${KT_APT:-build/apt}" && pwd)

prepare_apt() {
	clean_apt
	rm -f "$apt/log"
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/status"
	apt-config dump | grep -v Invoke >"$apt/apt.conf"
	cat >>"$apt/apt.conf" <<-END
		Dir::Etc::Main "/dev/null";
		Dir::Etc::Parts "/dev/null";
		Dir::Etc::SourceList "$apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State "$apt/state";
		Dir::State::Status "$apt/status";
		Dir::Cache "$apt/cache";
		Dir::Cache::PkgCache "packages.bin";
		Acquire::Languages "none";
		APT::Sandbox::User "$(id -un)";
		APT::Architecture "$deb_arch";
		#clear APT::Architectures;
	END
	export APT_CONFIG="$apt/apt.conf"
}

update() { # ARCHIVE SUITE
	echo "deb [arch=$deb_arch signed-by=$keyring] $1 $2 main" >"$apt/sources.list"
	apt-get update --error-on=any >>"$apt/log" 2>&1
}

# try_archives COMMAND SUITE...: call COMMAND ARCHIVE SUITE, with apt's state on that suite, for each suite and each
# archive in this order, until one call succeeds. False if none does.
try_archives() {
	try_command=$1
	shift
	archives=$("$here/archives.sh") || return 1
	prepare_apt
	for suite; do
		for archive in $archives; do
			if update "$archive" "$suite" && "$try_command" "$archive" "$suite"; then
				clean_apt
				return 0
			fi
		done
	done
	clean_apt
	return 1
}

# try_own_apt COMMAND: the same with this machine's own apt, its suites and its lists as they are.
try_own_apt() {
	clean_apt
	"$1" && clean_apt
}

download() { # PACKAGE...: to packages in the directory of the state
	rm -rf "$apt/packages" "$apt/unpacked"
	mkdir "$apt/packages"
	(cd "$apt/packages" && apt-get download "$@") >>"$apt/log" 2>&1
}

unpack_packages() { # TREE: those that download() has fetched, side by side
	rm -rf "$1"
	for file in "$apt"/packages/*.deb; do
		dpkg-deb -x "$file" "$1" || return 1
	done
}

# use_own_libc TREE PLACE PROGRAM: the suite's C library may be newer than this machine's. The program of this tree,
# which will be at PLACE, is run with the libraries of the tree.
use_own_libc() {
	loader=$(find "$1" -type f -name ld-linux-x86-64.so.2) && [ -n "$loader" ] || return 1
	libraries=$2${loader#"$1"}
	mv "$1/$3" "$1/$3.bin" || return 1
	{
		echo '#!/bin/sh'
		echo "exec '$libraries' --library-path '$2/usr/lib/x86_64-linux-gnu:${libraries%/*}' \\"
		echo "	\"\$0.bin\" \"\$@\""
	} >"$1/$3"
	chmod +x "$1/$3"
}

clean_apt() { # the package lists are large, and soon out of date
	rm -rf "$apt/state" "$apt/cache" "$apt/packages" "$apt/unpacked"
}
