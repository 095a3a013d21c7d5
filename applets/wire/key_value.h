/* SPDX-License-Identifier: GPL-2.0-only */
/* Text of "key=value" words between blanks; the value of the last key is free text. Pure. */
#ifndef KT_KEY_VALUE_H
#define KT_KEY_VALUE_H 1

#include "libbb.h"

/* Where the value of KEY begins; NULL when there is none. The search ends at "LAST=". */
const char *kt_value_of(const char *text, const char *key, const char *last) FAST_FUNC;

/* The decimal number that this value begins with; 0 when there is none. */
unsigned long long kt_number_of(const char *text, const char *key, const char *last) FAST_FUNC;

#endif
