/* core.h - the built-in functions that need no library */
#ifndef ORR_EXEC_CORE_H
#define ORR_EXEC_CORE_H

#include "orrery/function.h"

extern const struct orr_function orr_core_noop;
extern const struct orr_function orr_core_sleep;
extern const struct orr_function orr_core_busy;

#endif
