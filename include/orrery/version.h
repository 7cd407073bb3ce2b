/* version.h - the version of the headers; `orrery --version` is the program's */
#ifndef ORRERY_VERSION_H
#define ORRERY_VERSION_H

#define ORRERY_VERSION_MAJOR 0
#define ORRERY_VERSION_MINOR 3
#define ORRERY_VERSION_PATCH 0
#define ORRERY_VERSION "0.3.0"

#endif
