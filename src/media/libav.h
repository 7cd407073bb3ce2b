/* libav.h - FFmpeg, as all files of media include it
 *
 * Its functions are called by their names; behind each is orri_libav(), which loads the
 * libraries the first time (cmake/OrreryLibav.cmake says why). A function that is
 * called here first has to be entered in libav.calls: else the program does not link.
 */
#ifndef ORR_MEDIA_LIBAV_H
#define ORR_MEDIA_LIBAV_H

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/avutil.h>
#include <libavutil/channel_layout.h>
#include <libavutil/cpu.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

struct orri_libav;
/* Ends the process when FFmpeg cannot be loaded. */
const struct orri_libav *orri_libav(void);

#include <libav_calls.h>

#ifndef ORRI_LIBAV_NAMES
/* What libav's headers have for this calls the library by itself. */
static inline char *orri_av_text(char *to, int av_code)
{
    (void)av_strerror(av_code, to, AV_ERROR_MAX_STRING_SIZE);
    return to;
}
#undef av_err2str
#define av_err2str(av_code)                                                            \
    orri_av_text((char[AV_ERROR_MAX_STRING_SIZE]) { 0 }, av_code)
#endif

#endif
