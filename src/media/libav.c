/* libav.c - loads FFmpeg when it is first called
 * Owns: the table of its functions, one for the process, never written again. */
#define ORRI_LIBAV_NAMES
#include "media/libav.h"

#include "media/media.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The version that it was compiled for: another may have other structures. */
#define LIBRARY(name, major) "lib" #name ".so." AV_STRINGIFY(major)

enum { MACHINE_FAILED = 3 }; /* the exit code for that */

struct library {
    const char *name; /* as in libav.calls */
    const char *file;
    void *handle;
};

static void *load(const char *file)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
    if (!handle) {
        (void)fprintf(stderr, "orrery: cannot load FFmpeg: %s\n", dlerror());
        exit(MACHINE_FAILED);
    }
    return handle;
}

static void *find(const struct library *libraries, const char *library,
                  const char *function)
{
    while (strcmp(libraries->name, library) != 0)
        libraries++;
    void *found = dlsym(libraries->handle, function);
    if (!found) {
        (void)fprintf(stderr, "orrery: %s has no function %s\n", libraries->file,
                      function);
        exit(MACHINE_FAILED);
    }
    return found;
}

static struct orri_libav the_calls;

static void load_all(void)
{
    struct library all[] = {
        { "avutil", LIBRARY(avutil, LIBAVUTIL_VERSION_MAJOR), NULL },
        { "avcodec", LIBRARY(avcodec, LIBAVCODEC_VERSION_MAJOR), NULL },
        { "avformat", LIBRARY(avformat, LIBAVFORMAT_VERSION_MAJOR), NULL },
        { "avfilter", LIBRARY(avfilter, LIBAVFILTER_VERSION_MAJOR), NULL },
        { "swscale", LIBRARY(swscale, LIBSWSCALE_VERSION_MAJOR), NULL },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        all[i].handle = load(all[i].file);
#define X(library, name) *(void **)(&the_calls.name) = find(all, #library, #name);
    ORRI_LIBAV_CALLS(X)
#undef X
}

void orr_media_load(void) { (void)orri_libav(); }

const struct orri_libav *orri_libav(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, load_all);
    return &the_calls;
}
