/* frames.h - frames of a video by number, whatever its keyframes and timestamps */
#ifndef ORR_MEDIA_FRAMES_H
#define ORR_MEDIA_FRAMES_H

#include "media/index.h"

struct orri_frames;

/* A reader of the file that `index` describes, positioned before frame `first`. The
 * session's reader is taken over when it has the same file open; it goes on decoding
 * when that is shorter than starting at a keyframe. The index must outlive the use. */
orr_status orri_frames_take(const struct orri_index *index, unsigned threads,
                            uint32_t first, struct orri_frames **out,
                            struct orr_error *err);
/* The next frame, numbered one more than the last. It belongs to the reader until the
 * next call. ORR_ERR_INPUT when the file no longer decodes as its index says. */
orr_status orri_frames_next(struct orri_frames *frames, AVFrame **out,
                            struct orr_error *err);
/* Frames that were decoded since take, those that were skipped included. */
uint64_t orri_frames_decoded(const struct orri_frames *frames);
/* Was something in the data wrong since the keyframe that decoding started at? */
bool orri_frames_damaged(const struct orri_frames *frames);
const AVStream *orri_frames_stream(const struct orri_frames *frames);
/* Give the reader back to the session. After a failure, free it instead. */
void orri_frames_return(struct orri_frames *frames);
void orri_frames_free(struct orri_frames *frames);

#endif
