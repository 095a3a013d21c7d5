# SPDX-License-Identifier: GPL-2.0-only
#
# How the kernel waits for an RCU grace period: at once while /init sets up, as usual from the scheduler on.
#
# A mount of cgroup2 and each new size of a trace ring wait for grace periods that nothing hurries in a
# machine that is idle meanwhile: 10 to 20 ms each (measured under -icount on 7.2, 2 CPUs). What is under test
# must see the kernel as it is, so this ends before the scheduler is loaded.

rcu_expedite() { # on|off
	case $1 in
	on) expedited=1 ;;
	off) expedited=0 ;;
	esac
	[ ! -w "$ROOT/sys/kernel/rcu_expedited" ] || echo "$expedited" >"$ROOT/sys/kernel/rcu_expedited"
}
