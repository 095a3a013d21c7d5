# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# apt-state.sh: read by the scripts that fetch Debian packages of another suite than the machine's. Nothing is
# installed and no root is needed: apt runs with a state of its own in build/apt, a copy of the machine's
# settings without their hooks.
# In:   here, the folder of the scripts; KT_ARCH, whose packages are wanted (x86_64 or aarch64; this one is
#       x86_64).
# Out:  apt (the folder; apt's words go to its file "log"), archives, and the functions below.
# Exit: none of its own; without an archive to ask, the shell ends with 1 by its set -e.

archives=$("$here/archives.sh")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
case ${KT_ARCH:-x86_64} in
x86_64) deb_arch=amd64 ;;
aarch64) deb_arch=arm64 ;;
esac
mkdir -p build/apt
apt=$(cd build/apt && pwd)

prepare_apt() {
	rm -rf "$apt"
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

download() { # PACKAGE...: to build/apt/packages
	rm -rf "$apt/packages" "$apt/unpacked"
	mkdir "$apt/packages"
	(cd "$apt/packages" && apt-get download "$@") >>"$apt/log" 2>&1
}

clean_apt() { # the package lists are large and will be old
	rm -rf "$apt/state" "$apt/cache" "$apt/packages" "$apt/unpacked"
}
