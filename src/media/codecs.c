/* codecs.c - the encoders, and how each is made to give chunks that fit together
 * Owns: the table of codecs, checks of what the user asks of them.
 *
 * Chunks of one track need equal headers, a first frame that nothing before it is
 * needed for, and no reference across the seam. x264: `stitchable` keeps what depends
 * on the quantiser out of the headers, and open-gop stays off. x265: `info=0` keeps its
 * settings out of them. SVT-AV1 always starts with a key frame. */
#include "media/codecs.h"

#include "base/memory.h"
#include "base/text.h"
#include "media/libav.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const x26x_presets[] = { "ultrafast", "superfast", "veryfast",
                                            "faster",    "fast",      "medium",
                                            "slow",      "slower",    "veryslow",
                                            "placebo",   NULL };
static const char *const x264_reserved[] = { "threads",
                                             "lookahead-threads",
                                             "sliced-threads",
                                             "stitchable",
                                             "open-gop",
                                             "annexb",
                                             "crf",
                                             "qp",
                                             "bitrate",
                                             "keyint",
                                             "psnr",
                                             "ssim",
                                             "pass",
                                             "stats",
                                             NULL };
static const char *const x265_reserved[] = {
    "pools",  "frame-threads",  "open-gop",  "info", "crf",   "qp", "bitrate", "keyint",
    "annexb", "repeat-headers", "log-level", "pass", "stats", NULL
};
static const char *const svt_reserved[] = {
    "lp",   "crf",   "qp",  "rc", "tbr", "keyint", "irefresh-type",
    "pass", "stats", "pin", NULL
};

static const struct orri_codec codecs[] = {
    { "x264", "libx264", "stitchable=1:open-gop=0", "x264-params", x26x_presets, 0,
      "medium", 23, 51, x264_reserved, "`x264 --fullhelp`" },
    { "x265", "libx265", "info=0:open-gop=0:log-level=error", "x265-params",
      x26x_presets, 0, "medium", 28, 51, x265_reserved, "`x265 --fullhelp`" },
    { "svt-av1", "libsvtav1", "", "svtav1-params", NULL, 13, "10", 35, 63, svt_reserved,
      "`SvtAv1EncApp --help`" },
};

enum { N_CODECS = sizeof codecs / sizeof *codecs };

orr_status orri_codec_find(const char *name, const struct orri_codec **out,
                           struct orr_error *err)
{
    for (size_t i = 0; i < N_CODECS; i++)
        if (strcmp(codecs[i].name, name) == 0) {
            *out = &codecs[i];
            return ORR_OK;
        }
    return orri_error(err, ORR_ERR_INPUT,
                      "codec '%s' is not known: it is one of x264, x265, svt-av1",
                      name);
}

static orr_status check_preset(const struct orri_coding *coding, struct orr_error *err)
{
    const struct orri_codec *codec = coding->codec;
    struct orr_text names = ORR_TEXT_INIT;
    char *rest = NULL;
    if (!coding->preset)
        return ORR_OK;
    if (!codec->presets) {
        long number = strtol(coding->preset, &rest, 10);
        if (coding->preset[0] && !*rest && number >= 0 && number <= codec->preset_max)
            return ORR_OK;
        return orri_error(
            err, ORR_ERR_INPUT,
            "preset '%s' is not known to %s: it is a number from 0 (slow) to "
            "%d (fast)",
            coding->preset, codec->name, codec->preset_max);
    }
    for (size_t i = 0; codec->presets[i]; i++) {
        if (strcmp(codec->presets[i], coding->preset) == 0) {
            orr_text_release(&names);
            return ORR_OK;
        }
        orr_text_printf(&names, "%s%s", i ? ", " : "", codec->presets[i]);
    }
    orr_status status = orri_error(err, ORR_ERR_INPUT,
                                   "preset '%s' is not known to %s: it is one of %s",
                                   coding->preset, codec->name, names.s);
    orr_text_release(&names);
    return status;
}

static orr_status check_option(const struct orri_codec *codec, const char *option,
                               size_t length, struct orr_error *err)
{
    const char *equals = memchr(option, '=', length);
    size_t name = equals ? (size_t)(equals - option) : length;
    if (name == 0)
        return orri_error(err, ORR_ERR_INPUT,
                          "options are written key=value:key=value; '%.*s' is not",
                          (int)length, option);
    for (size_t i = 0; codec->reserved[i]; i++)
        if (strlen(codec->reserved[i]) == name &&
            strncmp(codec->reserved[i], option, name) == 0)
            return orri_error(
                err, ORR_ERR_INPUT,
                "option '%.*s' of %s is set by Orrery so that chunks fit "
                "together; quality, rate and keyframe distance have "
                "parameters of their own (crf, qp, bitrate, keyint, threads)",
                (int)name, option, codec->name);
    return ORR_OK;
}

static orr_status check_options(const struct orri_coding *coding, struct orr_error *err)
{
    const char *at = coding->options;
    while (at && *at) {
        size_t length = strcspn(at, ":");
        orr_status status = check_option(coding->codec, at, length, err);
        if (status != ORR_OK)
            return status;
        at += length + (at[length] == ':');
    }
    return ORR_OK;
}

static orr_status check_rate(const struct orri_coding *coding, struct orr_error *err)
{
    const struct orri_codec *codec = coding->codec;
    int given = !isnan(coding->crf) + (coding->qp >= 0) + (coding->bitrate > 0);
    if (given > 1)
        return orri_error(err, ORR_ERR_INPUT,
                          "crf, qp and bitrate exclude each other: give one of them");
    if (!isnan(coding->crf) && (coding->crf < 0 || coding->crf > codec->crf_max))
        return orri_error(err, ORR_ERR_INPUT, "crf %g is out of range for %s: 0 to %g",
                          coding->crf, codec->name, codec->crf_max);
    if (coding->qp > (int64_t)codec->crf_max)
        return orri_error(err, ORR_ERR_INPUT, "qp %lld is out of range for %s: 0 to %g",
                          (long long)coding->qp, codec->name, codec->crf_max);
    return ORR_OK;
}

orr_status orri_coding_check(const struct orri_coding *coding, struct orr_error *err)
{
    orr_status status = check_preset(coding, err);
    if (status == ORR_OK)
        status = check_options(coding, err);
    if (status == ORR_OK)
        status = check_rate(coding, err);
    return status;
}

AVCodecContext *orri_coding_new(const struct orri_coding *coding, struct orr_error *err)
{
    const AVCodec *encoder = avcodec_find_encoder_by_name(coding->codec->library);
    if (encoder)
        return orri_need(avcodec_alloc_context3(encoder));
    (void)orri_error(err, ORR_ERR_INPUT,
                     "codec %s is not in the libavcodec of this machine (it lacks %s)",
                     coding->codec->name, coding->codec->library);
    return NULL;
}

enum AVPixelFormat orri_coding_format(const struct orri_codec *codec,
                                      const char *wanted, enum AVPixelFormat source,
                                      struct orr_error *err)
{
    const AVCodec *encoder = avcodec_find_encoder_by_name(codec->library);
    struct orr_text names = ORR_TEXT_INIT;
    int loss = 0;
    if (!encoder || !encoder->pix_fmts)
        return AV_PIX_FMT_YUV420P;
    if (!wanted)
        return avcodec_find_best_pix_fmt_of_list(encoder->pix_fmts, source, 0, &loss);
    enum AVPixelFormat format = av_get_pix_fmt(wanted);
    for (size_t i = 0; encoder->pix_fmts[i] != AV_PIX_FMT_NONE; i++) {
        if (encoder->pix_fmts[i] == format)
            return format;
        orr_text_printf(&names, "%s%s", i ? ", " : "",
                        av_get_pix_fmt_name(encoder->pix_fmts[i]));
    }
    (void)orri_error(err, ORR_ERR_INPUT,
                     "pixel format '%s' is not one that %s takes: it is one of %s",
                     wanted, codec->name, names.s);
    orr_text_release(&names);
    return AV_PIX_FMT_NONE;
}

static void set_rate(const struct orri_coding *coding, AVCodecContext *context,
                     AVDictionary **options)
{
    double crf = isnan(coding->crf) ? coding->codec->crf : coding->crf;
    if (coding->bitrate > 0)
        context->bit_rate = coding->bitrate;
    else if (coding->qp >= 0)
        orri_must(av_dict_set_int(options, "qp", coding->qp, 0), "qp");
    else {
        char text[40];
        (void)snprintf(text, sizeof text, "%.6g", crf);
        orri_must(av_dict_set(options, "crf", text, 0), "crf");
    }
    if (coding->keyint > 0)
        context->gop_size = (int)coding->keyint;
}

/* The parameters of the library itself: ours first, then what the user adds. */
static void set_params(const struct orri_coding *coding, AVCodecContext *context,
                       AVDictionary **options)
{
    struct orr_text text = ORR_TEXT_INIT;
    const char *library = coding->codec->library;
    orr_text_puts(&text, coding->codec->fixed);
    if (strcmp(library, "libx264") == 0 && av_get_cpu_flags() & AV_CPU_FLAG_AVX512)
        orr_text_puts(&text, ":asm=avx2"); /* with it, results change by the process */
    context->thread_count = (int)coding->threads;
    if (strcmp(library, "libx264") == 0 && coding->threads == 1)
        orr_text_puts(&text, ":threads=1:lookahead-threads=1");
    if (strcmp(library, "libx265") == 0 && coding->threads == 1)
        orr_text_puts(&text, ":pools=none:frame-threads=1");
    if (strcmp(library, "libx265") == 0 && coding->threads > 1)
        orr_text_printf(&text, ":pools=%u", coding->threads);
    if (strcmp(library, "libsvtav1") == 0)
        orr_text_printf(&text, "lp=%u", coding->threads);
    if (coding->hdr)
        orr_text_puts(&text, coding->hdr);
    if (coding->options && coding->options[0])
        orr_text_printf(&text, ":%s", coding->options);
    orri_must(av_dict_set(options, coding->codec->params, text.s, 0), "parameters");
    orr_text_release(&text);
}

/* The libraries only warn of an option that they do not know, and go on without it. */
static bool option_refused(const char *log, char *line, size_t size)
{
    static const char *const signs[] = { "Error parsing option", "Unknown option",
                                         "Invalid value for", "Failed to parse",
                                         "parse error" };
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        const char *at = strstr(log, signs[i]);
        if (!at)
            continue;
        (void)snprintf(line, size, "%.*s", (int)strcspn(at, "\n"), at);
        return true;
    }
    return false;
}

orr_status orri_coding_open(const struct orri_coding *coding, AVCodecContext *context,
                            struct orr_error *err)
{
    const struct orri_codec *codec = coding->codec;
    AVDictionary *options = NULL;
    char line[200];
    context->flags |= (int)(AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP);
    set_rate(coding, context, &options);
    set_params(coding, context, &options);
    orri_must(av_dict_set(&options, "preset",
                          coding->preset ? coding->preset : codec->preset, 0),
              "preset");
    orri_log_clear();
    int code = avcodec_open2(context, context->codec, &options);
    av_dict_free(&options);
    if (option_refused(orri_log_text(), line, sizeof line))
        return orri_error(
            err, ORR_ERR_INPUT,
            "%s does not take options '%s': %s. All options are listed by %s",
            codec->name, coding->options ? coding->options : "", line, codec->help);
    if (code < 0)
        return orri_av_error(err, ORR_ERR_INPUT, code,
                             "%s does not start with %dx%d %s, preset %s, options '%s'",
                             codec->name, context->width, context->height,
                             av_get_pix_fmt_name(context->pix_fmt),
                             coding->preset ? coding->preset : codec->preset,
                             coding->options ? coding->options : "");
    return ORR_OK;
}
