#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --matrix --hosts on real hosts: three network namespaces with a sshd each. A host has a /tmp and a /run of its
# own, another home, neither this tree nor perl nor rsync. One of them dies while
# it runs its first cell.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

net=kt$$
PATH=$PATH:/usr/sbin:/sbin

# make_net: a namespace with a bridge, in which ktrun runs. False where that is not allowed.
make_net() {
	if [ "$(id -u)" != 0 ] || ! unshare -m true || ! ip netns add "$net"; then return 1; fi
	in_net() { ip netns exec "$net" "$@"; }
	in_net ip link add br0 type bridge
	in_net ip address add 10.77.0.1/24 dev br0
	in_net ip link set br0 up
	in_net ip link set lo up
}

# make_host NAME NUMBER: a host at 10.77.0.NUMBER, with its files in $FILES/NAME, its /tmp.
make_host() {
	host=$FILES/$1
	mkdir -p "$host/sshd" "$host/home"
	chmod 1777 "$host"
	ssh-keygen -q -t ed25519 -N '' -f "$host/sshd/key"
	echo "10.77.0.$2 $(cut -d ' ' -f 1,2 "$host/sshd/key.pub")" >>"$FILES/known"
	cp "$FILES/user.pub" "$host/sshd/authorized"
	sed 's|^root:.*|root:x:0:0:root:/tmp/home:/bin/sh|' /etc/passwd >"$host/sshd/passwd"
	printf '%s\n' 'HostKey /tmp/sshd/key' 'AuthorizedKeysFile /tmp/sshd/authorized' 'UsePAM no' 'StrictModes no' \
		'PidFile none' 'PermitRootLogin yes' 'Port 2222' >"$host/sshd/config"
	ip netns add "$net$1"
	ip -n "$net" link add "$net$1" type veth peer name eth0 netns "$net$1"
	ip -n "$net" link set "$net$1" master br0 up
	ip -n "$net$1" address add "10.77.0.$2/24" dev eth0
	ip -n "$net$1" link set eth0 up
	ip -n "$net$1" link set lo up
	KT_TEST_ID='' ip netns exec "$net$1" unshare -m sh -c '
		mount --bind "$1" /tmp && mount -t tmpfs tmpfs /run && mkdir /run/sshd && mount --bind /tmp/sshd/passwd /etc/passwd &&
		for file in /usr/bin/perl /usr/bin/rsync /usr/bin/parallel; do
			[ ! -e "$file" ] || mount --bind /dev/null "$file" || exit
		done &&
		{ [ ! -d "$2" ] || mount -t tmpfs tmpfs "$2"; } && exec /usr/sbin/sshd -f /tmp/sshd/config -E /tmp/sshd/log' \
		sh "$host" "$KT_TOP"
	echo "1/ssh -F none -o 'UserKnownHostsFile $FILES/known' -i $FILES/user -p 2222 -o ServerAliveInterval=4 root@10.77.0.$2" \
		>>"$FILES/hosts"
}

# end_host NAME: nothing runs there any more. No packet says so.
end_host() {
	ip -n "$net" link set "$net$1" down
	ip netns pids "$net$1" | xargs -r kill -KILL
}

oneTimeSetUp() {
	make_net || kt_skip "no namespaces here: root is needed"
	ssh-keygen -q -t ed25519 -N '' -f "$FILES/user"
	make_host a 11
	make_host b 12
	make_host c 13
	cp "$DEMO" "$FILES/demo"
	printf '%s\n' "scheduler = demo $FILES/demo" 'payload = ok cat /include-files/word' 'payload = seven exit 7' \
		'memory = 256' "limit = $VM_CEILING" 'repeat = 2' 'retries = 1' "options = -i $FILES/word" >"$FILES/matrix"
	echo brought >"$FILES/word"
	in_net "$KTRUN" --matrix "$FILES/matrix" --hosts "$FILES/hosts" -o "$VMS/m" --junit "$VMS/m.xml" --report "$VMS/m.html" \
		</dev/null >"$VMS/m.out" 2>"$VMS/m.err" &
	pid=$!
	wait_until "[ -s '$FILES/b'/ktbox-host.*/cells/0*/run/bulk.bin ]" # its guest sends
	end_host b
	end_of "$pid"
	echo "$status" >"$VMS/m.status"
}

oneTimeTearDown() {
	for host in a b c; do
		ip netns pids "$net$host" | xargs -r kill -KILL
		ip netns del "$net$host"
	done
	ip netns del "$net"
	rm -rf "$VMS" "$FILES"
}

test_each_cell_is_done_once_though_a_host_dies() {
	assertEquals "exit code: $(cat "$VMS/m.err")" 1 "$(cat "$VMS/m.status")"
	assert_matches ' demo +ok +2/2 100%' "$VMS/m.out"
	assert_matches ' demo +seven +0/2 0% .* 2 fail, first 00003' "$VMS/m.out"
	assertEquals "lines of the job log" "./00001.sh ./00002.sh ./00003.sh ./00004.sh" \
		"$(cut -f 9 "$VMS/m/joblog" | sort | xargs)"
	assertEquals "directories" "00001 00002 00003 00004" "$(find "$VMS/m" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort | xargs)"
	assertEquals "stdout of 00001" brought "$(cat "$VMS/m/00001/stdout")"
}

test_a_cell_that_fails_has_run_again_on_its_host() {
	result=$VMS/m/00003/result.json
	assert_value_matches attempts '"verdict":"fail"'
	assertEquals "exit code of the attempt that is kept" 7 "$("$KT_PYTHON" -c 'import json, sys
print(json.load(open(sys.argv[1]))["exec_exit_code"])' "$VMS/m/00003/attempt-1/result.json")"
}

test_the_host_that_died_is_left_out_and_named() {
	assert_matches '^ktrun: matrix: 10.77.0.12 is left out: ' "$VMS/m.err"
	assertEquals "hosts of cells" "10.77.0.11 10.77.0.13" "$(cut -f 2 "$VMS/m/joblog" | sort -u | xargs)"
	assertEquals 4 "$(grep -cE 'hostname="10.77.0.1[13]"' "$VMS/m.xml")"
	assert_matches '<td>10.77.0.13</td>' "$VMS/m.html"
}

test_nothing_is_left_on_the_hosts_that_live() {
	for host in a c; do
		assertEquals "files on $host" "" "$(find "$FILES/$host" -name 'ktbox-host.*')"
		assertEquals "processes on $host" sshd "$(ip netns pids "$net$host" | xargs ps -o comm= -p | sort -u)"
	done
	assertEquals "on the one that died" 1 "$(find "$FILES/b" -maxdepth 1 -name 'ktbox-host.*' | wc -l)"
}

. shunit2
