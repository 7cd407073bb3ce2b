/* sound.h - the sound of a source, copied or encoded once as a whole */
#ifndef ORR_MEDIA_SOUND_H
#define ORR_MEDIA_SOUND_H

#include "media/av.h"

#include <stdbool.h>

struct orri_sound;

enum orri_sound_mode { ORRI_SOUND_NONE, ORRI_SOUND_COPY, ORRI_SOUND_AAC };

/* Add a stream to `to` for every sound track of `path`. *out is NULL when it has none.
 * ORR_ERR_INPUT when the container of `to` cannot hold what is to be copied. */
orr_status orri_sound_open(const char *path, enum orri_sound_mode mode,
                           AVFormatContext *to, struct orri_sound **out,
                           struct orr_error *err);
/* When the sound begins to be heard; false when there is none at all. */
bool orri_sound_start(struct orri_sound *sound, AVRational time_base, int64_t *start);
/* Times less `base` are written; sound that ends before `from` or begins after `until`
 * is left out (INT64_MIN, INT64_MAX: all is kept). All in `time_base`. */
void orri_sound_window(struct orri_sound *sound, AVRational time_base, int64_t base,
                       int64_t from, int64_t until);
/* Write the sound up to this time (of the output); INT64_MAX: all that is left. */
orr_status orri_sound_write(struct orri_sound *sound, AVFormatContext *to, int64_t time,
                            struct orr_error *err);
void orri_sound_free(struct orri_sound *sound);

#endif
