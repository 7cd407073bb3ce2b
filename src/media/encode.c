/* encode.c - media.encode and media.encode_ladder: a range of frames, one or many
 * renditions, decoded once
 * Owns: the two functions, their parameters, results and rows. */
#include "media/media.h"

#include "base/clock.h"
#include "media/encoder.h"
#include "media/frames.h"
#include "media/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct encode {
    struct orr_call *call;
    struct orri_encode_job job;
    uint32_t n;
    struct orri_rendition *renditions;
    struct orri_encoder **encoders;
    int64_t cpu;  /* ns, at the start */
    bool damaged; /* the source did not decode as its index says */
};

/* ---- arguments ---- */

static orr_status read_metrics(const struct orr_value *list, unsigned *out,
                               struct orr_error *err)
{
    static const struct {
        const char *name;
        unsigned bit;
    } known[] = { { "psnr", ORRI_PSNR }, { "ssim", ORRI_SSIM }, { "vif", ORRI_VIF } };
    *out = orr_arg_is_null(list) ? ORRI_PSNR | ORRI_SSIM | ORRI_VIF : 0;
    for (uint32_t i = 0; i < orr_arg_count(list); i++) {
        const char *name = orr_arg_string(orr_arg_at(list, i), "");
        unsigned bit = 0;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (strcmp(known[k].name, name) == 0)
                bit = known[k].bit;
        if (!bit)
            return orri_error(err, ORR_ERR_INPUT,
                              "metric '%s' is not known: it is one of psnr, ssim, vif",
                              name);
        *out |= bit;
    }
    return ORR_OK;
}

static orr_status read_coding(struct orr_call *call, struct orri_coding *out,
                              struct orr_error *err)
{
    orr_status status = orri_codec_find(orr_arg_string(orr_arg(call, "codec"), "x264"),
                                        &out->codec, err);
    if (status != ORR_OK)
        return status;
    int64_t threads = orr_arg_int(orr_arg(call, "threads"), 1);
    out->preset = orr_arg_string(orr_arg(call, "preset"), NULL);
    out->options = orr_arg_string(orr_arg(call, "options"), NULL);
    out->crf = NAN;
    out->qp = -1;
    out->keyint = orr_arg_int(orr_arg(call, "keyint"), 0);
    if (threads < 1 || threads > 64)
        return orri_error(err, ORR_ERR_INPUT, "threads is 1 to 64, not %lld",
                          (long long)threads);
    if (out->keyint < 0 || out->keyint > 100000)
        return orri_error(err, ORR_ERR_INPUT, "keyint is 1 to 100000 frames, not %lld",
                          (long long)out->keyint);
    out->threads = (unsigned)threads;
    return ORR_OK;
}

static orr_status read_range(struct orr_call *call, struct orri_encode_job *job,
                             struct orr_error *err)
{
    int64_t first = orr_arg_int(orr_arg(call, "first"), 0);
    int64_t frames = orr_arg_int(orr_arg(call, "frames"), 0);
    int64_t all = job->index->n_frames;
    if (first < 0 || frames < 1 || first >= all || frames > all - first)
        return orri_error(
            err, ORR_ERR_INPUT,
            "frames %lld to %lld are not in %s, which has frames 0 to %lld",
            (long long)first, (long long)(first + frames - 1), job->index->path,
            (long long)(all - 1));
    job->first = (uint32_t)first;
    job->frames = (uint32_t)frames;
    return ORR_OK;
}

static orr_status get_index(struct encode *encode, enum orri_depth depth,
                            const char *damaged, struct orr_error *err)
{
    struct orr_call *call = encode->call;
    orr_status status = orri_index_get(orr_arg_string(orr_arg(call, "source"), ""),
                                       orr_call_cache(call), orr_call_cores(call),
                                       depth, &encode->job.index, err);
    return status == ORR_OK ? orri_check_damage(encode->job.index, damaged, err)
                            : status;
}

/* What both functions share; the renditions are filled by the caller already. */
static orr_status read_job(struct encode *encode, struct orr_error *err)
{
    struct orr_call *call = encode->call;
    const char *damaged = orr_arg_string(orr_arg(call, "damaged"), "fail");
    orr_status status =
        get_index(encode, strcmp(damaged, "keep") == 0 ? ORRI_DECODED : ORRI_LISTED,
                  damaged, err);
    if (status == ORR_OK)
        status = read_range(call, &encode->job, err);
    if (status == ORR_OK)
        status = read_metrics(orr_arg(call, "metrics"), &encode->job.metrics, err);
    encode->job.pixel_format = orr_arg_string(orr_arg(call, "pixel_format"), NULL);
    return status;
}

static orr_status read_rung(const struct orri_coding *shared,
                            const struct orr_value *rung, struct orri_rendition *out,
                            struct orr_error *err)
{
    *out = (struct orri_rendition) { .coding = *shared };
    out->name = orr_arg_string(orr_arg_field(rung, "name"), "");
    out->height = orr_arg_int(orr_arg_field(rung, "height"), 0);
    out->coding.crf = orr_arg_float(orr_arg_field(rung, "crf"), NAN);
    if (out->height < 0)
        return orri_error(err, ORR_ERR_INPUT, "rung '%s': height must not be negative",
                          out->name);
    return orri_coding_check(&out->coding, err);
}

/* ---- the work ---- */

static orr_status new_encoders(struct encode *encode, struct orr_error *err)
{
    orr_status status = ORR_OK;
    encode->encoders = orr_alloc(encode->n, sizeof(struct orri_encoder *));
    for (uint32_t i = 0; i < encode->n && status == ORR_OK; i++)
        status = orri_encoder_new(&encode->job, &encode->renditions[i],
                                  &encode->encoders[i], err);
    return status;
}

static orr_status feed_all(struct encode *encode, struct orri_frames *frames,
                           struct orr_error *err)
{
    for (uint32_t i = 0; i < encode->job.frames; i++) {
        AVFrame *frame = NULL;
        orr_status status = orri_frames_next(frames, &frame, err);
        encode->damaged = status != ORR_OK;
        for (uint32_t k = 0; k < encode->n && status == ORR_OK; k++)
            status = orri_encoder_frame(encode->encoders[k], frame, err);
        if (status != ORR_OK)
            return status;
    }
    for (uint32_t k = 0; k < encode->n; k++) {
        orr_status status = orri_encoder_finish(encode->encoders[k], err);
        if (status != ORR_OK)
            return status;
    }
    return ORR_OK;
}

static void add_rows(struct encode *encode, uint32_t rung)
{
    const struct orri_encoder *encoder = encode->encoders[rung];
    const struct orri_measure *measure = orri_encoder_measure(encoder);
    const struct orri_frame_stats *stats = orri_encoder_stats(encoder);
    const struct orri_encode_job *job = &encode->job;
    double base = av_q2d(job->index->time_base);
    for (uint32_t i = 0; i < job->frames; i++) {
        const struct orri_frame_scores *scores = orri_measure_scores(measure, i);
        const double row[] = { job->first + i,
                               rung,
                               (double)job->index->pts[job->first + i] * base,
                               stats[i].type,
                               stats[i].qp,
                               stats[i].bytes,
                               orri_measure_psnr(measure, i, -1),
                               orri_measure_psnr(measure, i, 0),
                               orri_measure_psnr(measure, i, 1),
                               orri_measure_psnr(measure, i, 2),
                               scores->ssim,
                               scores->vif };
        orr_row(encode->call, row, sizeof row / sizeof *row);
    }
}

/* The fields that describe one rendition; the same names in both functions. */
static void set_result(struct encode *encode, uint32_t rung)
{
    struct orr_call *call = encode->call;
    struct orri_encoder *encoder = encode->encoders[rung];
    size_t length = 0;
    char header[ORR_ID_TEXT];
    const uint8_t *bytes = orri_encoder_chunk(encoder, &length);
    const struct orri_chunk_info *info = orri_encoder_info(encoder);
    struct orri_means means = orri_measure_means(orri_encoder_measure(encoder));
    double seconds = (double)(info->end - info->start) * av_q2d(info->time_base);
    double payload = (double)orri_encoder_payload(encoder);
    orr_id_text(info->header, header);
    orr_set_blob(call, "data", bytes, length);
    orr_set_int(call, "bytes", (int64_t)orri_encoder_payload(encoder));
    orr_set_int(call, "frames", encode->job.frames);
    orr_set_int(call, "width", orri_encoder_width(encoder));
    orr_set_int(call, "height", orri_encoder_height(encoder));
    orr_set_float(call, "psnr", means.psnr);
    orr_set_float(call, "psnr_y", means.psnr_y);
    orr_set_float(call, "ssim", means.ssim);
    orr_set_float(call, "vif", means.vif);
    orr_set_float(call, "bitrate", seconds > 0 ? payload * 8 / seconds : 0);
    orr_set_string(call, "header", header);
    add_rows(encode, rung);
    if (orri_encoder_reshaped(encoder) && rung == 0)
        orr_call_warn(
            call,
            "%s changes its picture size or format within frames %u to %u; they "
            "were scaled to %dx%d",
            encode->job.index->path, encode->job.first,
            encode->job.first + encode->job.frames - 1, orri_encoder_width(encoder),
            orri_encoder_height(encoder));
}

static void release_encoders(struct encode *encode)
{
    for (uint32_t i = 0; encode->encoders && i < encode->n; i++)
        orri_encoder_free(encode->encoders[i]);
    free(encode->encoders);
    encode->encoders = NULL;
}

static void release(struct encode *encode)
{
    release_encoders(encode);
    free(encode->renditions);
}

/* Decode the range and feed every rendition. A damaged source is decoded by one thread,
 * as its index was made. */
static orr_status encode_range(struct encode *encode, struct orr_error *err)
{
    struct orri_frames *frames = NULL;
    const struct orri_index *index = encode->job.index;
    unsigned threads = index->damage.count ? 1 : orr_call_cores(encode->call);
    orr_status status =
        orri_frames_take(index, threads, encode->job.first, &frames, err);
    encode->damaged = status != ORR_OK;
    if (status != ORR_OK)
        return status;
    encode->job.stream = orri_frames_stream(frames);
    status = new_encoders(encode, err);
    if (status == ORR_OK)
        status = feed_all(encode, frames, err);
    encode->damaged = encode->damaged || orri_frames_damaged(frames);
    orr_count(encode->call, "frames_decoded", (double)orri_frames_decoded(frames));
    if (status == ORR_OK) {
        orr_count(encode->call, "frames_encoded",
                  (double)encode->job.frames * encode->n);
        orri_frames_return(frames);
    } else {
        orri_frames_free(frames);
    }
    return status;
}

/* Damage in a source that was only listed shows here first. A decode pass tells what is
 * wrong; if that finds nothing, its index is used. */
static orr_status encode_surely(struct encode *encode, struct orr_error *err)
{
    uint32_t listed = encode->job.index->n_frames;
    bool sure = encode->job.index->depth > ORRI_LISTED;
    orr_status status = encode_range(encode, err);
    if (sure || !encode->damaged)
        return status;
    release_encoders(encode);
    status = get_index(encode, ORRI_DECODED, "fail", err);
    if (status == ORR_OK && encode->job.index->n_frames != listed)
        status =
            orri_error(err, ORR_ERR_INPUT,
                       "%s lists %u frames, but %u can be decoded: give verify: "
                       "true to media.probe and media.split",
                       encode->job.index->path, listed, encode->job.index->n_frames);
    return status == ORR_OK ? encode_range(encode, err) : status;
}

static void set_cpu(struct encode *encode)
{
    orr_set_float(encode->call, "cpu", (double)(orr_clock_cpu() - encode->cpu) / 1e9);
}

/* ---- media.encode ---- */

#define SHARED_PARAMS                                                                  \
    { "source", "path", NULL, "video file" },                                          \
        { "first", "int", NULL,                                                        \
          "number of the first frame, from 0 in display order" },                      \
        { "frames", "int", NULL, "how many frames" },                                  \
        { "damaged", "string", "\"fail\"",                                             \
          "fail, or keep where media.split was told so" },

#define CODING_PARAMS                                                                  \
    { "codec", "string", "\"x264\"", "x264, x265 or svt-av1" },                        \
        { "preset", "string?", NULL, "medium; for svt-av1 a number, 10" },             \
        { "options", "string?", NULL,                                                  \
          "more of the encoder's parameters, key=value:key=value" },                   \
        { "keyint", "int?", NULL, "most frames between keyframes inside a chunk" },    \
        { "pixel_format", "string?", NULL,                                             \
          "yuv420p10le, ...; default: the source's" },                                 \
        { "metrics", "list<string>?", NULL,                                            \
          "of psnr, ssim, vif; default all, [] none" },                                \
        { "threads", "int", "1", "of the encoder; one is best with many chunks" },

/* Of one rendition, in both functions. */
#define RENDITION_RESULTS(X)                                                           \
    X("data", "blob", NULL, "the chunk, a NUT file; media.mux puts chunks together")   \
    X("bytes", "int", "bytes", "of coded pictures, without container")                 \
    X("frames", "int", NULL, "frames in the chunk")                                    \
    X("width", "int", "px", "coded width")                                             \
    X("height", "int", "px", "coded height")                                           \
    X("psnr", "float", "dB",                                                           \
      "all planes by size, of the mean error; at most 100; "                           \
      "NaN when not in metrics")                                                       \
    X("psnr_y", "float", "dB", "of luma")                                              \
    X("ssim", "float", NULL, "all planes by size, mean over frames")                   \
    X("vif", "float", NULL, "VIF at scale 2 of luma, mean over frames")                \
    X("bitrate", "float", "bit/s", "over the chunk's duration")                        \
    X("header", "string", NULL,                                                        \
      "hash of the decoder header; equal in all chunks of a "                          \
      "track")

static const struct orr_param encode_params[] = {
    SHARED_PARAMS { "height", "int?", NULL,
                    "of the picture; width follows the aspect" },
    { "width", "int?", NULL, "of the picture; height follows the aspect" },
    { "crf", "float?", NULL, "quality; default 23 (x264), 28 (x265), 35 (svt-av1)" },
    { "qp", "int?", NULL, "constant quantiser instead of crf" },
    { "bitrate", "int?", NULL, "bit/s instead of crf; chunks then vary in quality" },
    CODING_PARAMS { NULL, NULL, NULL, NULL },
};

#define X(name, type, unit, doc) { name, type, unit, doc },
static const struct orr_result_field encode_results[] = {
    RENDITION_RESULTS(X) {
        "cpu", "float", "s",
        "processor time of the call, decoding and metrics included" },
    { NULL, NULL, NULL, NULL },
};
#undef X

static const struct orr_column encode_columns[] = {
    { "frame", "u4", NULL, "number in the source, from 0" },
    { "rung", "u1", NULL, "number of the rendition in this call" },
    { "pts", "f8", "s", "presentation time in the source" },
    { "type", "u1", NULL, "1 I, 2 P, 3 B, 0 unknown" },
    { "qp", "f4", NULL, "mean quantiser; NaN where the encoder does not say" },
    { "bytes", "u4", "bytes", "of the coded frame" },
    { "psnr", "f4", "dB", "all planes by size" },
    { "psnr_y", "f4", "dB", "luma" },
    { "psnr_u", "f4", "dB", "first chroma plane" },
    { "psnr_v", "f4", "dB", "second chroma plane" },
    { "ssim", "f4", NULL, "all planes by size" },
    { "vif", "f4", NULL, "VIF at scale 2 of luma" },
    { NULL, NULL, NULL, NULL },
};

static orr_status read_single(struct encode *encode, struct orr_error *err)
{
    struct orr_call *call = encode->call;
    struct orri_rendition *one = encode->renditions;
    orr_status status = read_coding(call, &one->coding, err);
    if (status != ORR_OK)
        return status;
    one->width = orr_arg_int(orr_arg(call, "width"), 0);
    one->height = orr_arg_int(orr_arg(call, "height"), 0);
    one->coding.crf = orr_arg_float(orr_arg(call, "crf"), NAN);
    one->coding.qp = orr_arg_int(orr_arg(call, "qp"), -1);
    one->coding.bitrate = orr_arg_int(orr_arg(call, "bitrate"), 0);
    return orri_coding_check(&one->coding, err);
}

static int run_encode(struct orr_call *call)
{
    struct orr_error err = { 0 };
    struct encode encode = { .call = call, .n = 1, .cpu = orr_clock_cpu() };
    encode.renditions = orr_alloc(1, sizeof *encode.renditions);
    orr_status status = read_single(&encode, &err);
    if (status == ORR_OK)
        status = read_job(&encode, &err);
    if (status == ORR_OK)
        status = encode_surely(&encode, &err);
    if (status == ORR_OK) {
        set_result(&encode, 0);
        set_cpu(&encode);
    }
    release(&encode);
    return status == ORR_OK ? 0 : orri_fail(call, &err);
}

const struct orr_function orr_media_encode = {
    .name = "media.encode",
    .version = "1",
    .doc = "Encode a range of frames and measure the result.",
    .params = encode_params,
    .results = encode_results,
    .columns = encode_columns,
    .run = run_encode,
};

/* ---- media.encode_ladder ---- */

static const struct orr_param ladder_params[] = {
    SHARED_PARAMS { "rungs", "list<{name: string, height: int, crf: float}>", NULL,
                    "the renditions" },
    CODING_PARAMS { NULL, NULL, NULL, NULL },
};

#define X(name, type, unit, doc) ", " name ": " type
static const struct orr_result_field ladder_results[] = {
    { "rungs", "list<{name: string, crf: float" RENDITION_RESULTS(X) "}>", NULL,
      "one for each rung, in order; fields as media.encode gives them" },
    { "cpu", "float", "s",
      "processor time of the call, decoding and metrics included" },
    { NULL, NULL, NULL, NULL },
};
#undef X

enum { RUNGS_MAX = 255 };

static orr_status read_ladder(struct encode *encode, struct orr_error *err)
{
    struct orri_coding shared = { 0 };
    const struct orr_value *rungs = orr_arg(encode->call, "rungs");
    orr_status status = read_coding(encode->call, &shared, err);
    uint32_t n = orr_arg_count(rungs);
    if (status == ORR_OK && (n == 0 || n > RUNGS_MAX))
        status = orri_error(err, ORR_ERR_INPUT, "rungs must have 1 to %d items, not %u",
                            RUNGS_MAX, n);
    if (status != ORR_OK)
        return status;
    encode->renditions = orr_alloc(n, sizeof *encode->renditions);
    encode->n = n;
    for (uint32_t i = 0; i < n && status == ORR_OK; i++)
        status = read_rung(&shared, orr_arg_at(rungs, i), &encode->renditions[i], err);
    return status;
}

static void set_rungs(struct encode *encode)
{
    orr_list_begin(encode->call, "rungs");
    for (uint32_t i = 0; i < encode->n; i++) {
        orr_record_begin(encode->call, NULL);
        orr_set_string(encode->call, "name", encode->renditions[i].name);
        orr_set_float(encode->call, "crf", encode->renditions[i].coding.crf);
        set_result(encode, i);
        orr_record_end(encode->call);
    }
    orr_list_end(encode->call);
}

static int run_ladder(struct orr_call *call)
{
    struct orr_error err = { 0 };
    struct encode encode = { .call = call, .cpu = orr_clock_cpu() };
    orr_status status = read_ladder(&encode, &err);
    if (status == ORR_OK)
        status = read_job(&encode, &err);
    if (status == ORR_OK)
        status = encode_surely(&encode, &err);
    if (status == ORR_OK) {
        set_rungs(&encode);
        set_cpu(&encode);
    }
    release(&encode);
    return status == ORR_OK ? 0 : orri_fail(call, &err);
}

const struct orr_function orr_media_encode_ladder = {
    .name = "media.encode_ladder",
    .version = "1",
    .doc = "Encode a range of frames at several sizes, decoding it once.",
    .params = ladder_params,
    .results = ladder_results,
    .columns = encode_columns,
    .run = run_ladder,
};
