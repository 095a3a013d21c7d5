/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * bare-init: the least that a kernel can boot to, for boot_time_test.sh to measure against.
 * In: started as PID 1. Out: a line on the console. Ends by powering off; 1 if it may not.
 */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	static const char line[] = "bare init\n";

	if (write(1, line, sizeof(line) - 1) < 0)
		return 1;
	return reboot(RB_POWER_OFF);
}
