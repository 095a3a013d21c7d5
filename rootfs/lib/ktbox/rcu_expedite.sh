# SPDX-License-Identifier: GPL-2.0-only
#
# Expedites RCU grace periods while /init sets up the guest.
#
# Mounting cgroup2 and resizing a trace ring wait for grace periods, 10 to 20 ms each in an idle machine (measured
# under -icount on 7.2, 2 CPUs). The scheduler under test must see the kernel's normal behaviour, so this is
# turned off before the scheduler is loaded.

rcu_expedite() { # on|off
	case $1 in
	on) expedited=1 ;;
	off) expedited=0 ;;
	esac
	[ ! -w "$ROOT/sys/kernel/rcu_expedited" ] || echo "$expedited" >"$ROOT/sys/kernel/rcu_expedited"
}
