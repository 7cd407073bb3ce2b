/* mux.c - media.mux: chunks and the source's sound as one file
 * Owns: the output file, from its temporary name to its own. */
#include "media/media.h"

#include "base/file.h"
#include "base/memory.h"
#include "media/libav.h"
#include "media/sound.h"
#include "media/source.h"
#include "media/track.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct mux {
    struct orr_call *call;
    struct orri_track track;
    struct orri_sound *sound;
    AVFormatContext *format;
    AVStream *video;
    const char *path;
    char *temporary;
    int64_t base;   /* subtracted from all times, in the source's time base */
    double seconds; /* of the video */
};

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static orr_status read_sound_mode(const char *text, enum orri_sound_mode *out,
                                  struct orr_error *err)
{
    static const char *const names[] = { "none", "copy", "aac" };
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (enum orri_sound_mode)i;
            return ORR_OK;
        }
    return orri_error(err, ORR_ERR_INPUT,
                      "audio is \"copy\", \"aac\" or \"none\", not \"%s\"", text);
}

static orr_status open_output(struct mux *mux, const char *file, struct orr_error *err)
{
    const char *name = ends_in(file, ".mp4") ? "mp4" : "matroska";
    if (!ends_in(file, ".mp4") && !ends_in(file, ".mkv"))
        return orri_error(
            err, ORR_ERR_INPUT,
            "file '%s' must end in .mp4 or .mkv: that chooses the container", file);
    mux->path = orr_call_output_path(mux->call, file);
    if (!mux->path)
        return ORR_ERR_INPUT;
    size_t length = strlen(mux->path) + 32;
    mux->temporary = orr_alloc(length, 1);
    (void)snprintf(mux->temporary, length, "%s.tmp-%ld", mux->path, (long)getpid());
    orri_must(avformat_alloc_output_context2(&mux->format, NULL, name, NULL), name);
    mux->format->url =
        orri_need(av_strdup(mux->temporary)); /* faststart reads it again */
    mux->format->flags |= AVFMT_FLAG_BITEXACT;
    return ORR_OK;
}

/* ---- the video stream ---- */

static uint32_t tag_of(const struct mux *mux)
{
    bool inband = mux->track.headers_differ;
    if (strcmp(mux->format->oformat->name, "mp4") != 0)
        return 0;
    if (mux->track.parameters->codec_id == AV_CODEC_ID_HEVC)
        return inband ? MKTAG('h', 'e', 'v', '1') : MKTAG('h', 'v', 'c', '1');
    if (mux->track.parameters->codec_id == AV_CODEC_ID_H264 && inband)
        return MKTAG('a', 'v', 'c', '3');
    return 0;
}

static void set_colours(const struct orri_chunk_info *info,
                        AVCodecParameters *parameters)
{
    parameters->color_range = (enum AVColorRange)info->range;
    parameters->color_space = (enum AVColorSpace)info->space;
    parameters->color_trc = (enum AVColorTransferCharacteristic)info->transfer;
    parameters->color_primaries = (enum AVColorPrimaries)info->primaries;
    parameters->chroma_location = (enum AVChromaLocation)info->location;
}

static void add_video(struct mux *mux)
{
    const struct orri_chunk_info *info = &mux->track.info;
    AVStream *stream = orri_need(avformat_new_stream(mux->format, NULL));
    AVCodecParameters *parameters = stream->codecpar;
    orri_must(avcodec_parameters_copy(parameters, mux->track.parameters), "parameters");
    parameters->codec_tag = tag_of(mux);
    parameters->sample_aspect_ratio = info->aspect;
    stream->sample_aspect_ratio = info->aspect;
    set_colours(info, parameters);
    stream->time_base = info->time_base;
    if (!info->vfr)
        stream->avg_frame_rate = info->rate;
    if (info->rotation) {
        int32_t *matrix = (int32_t *)(void *)orri_need(av_stream_new_side_data(
            stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t)));
        av_display_rotation_set(matrix, info->rotation);
    }
    orri_hdr_attach(&info->hdr, stream);
    mux->video = stream;
}

/* Where the output's time 0 lies in the source, and which sound belongs to it. The
 * earlier of picture and sound starts at 0; a part of a source takes its part of the
 * sound. */
static void place_sound(struct mux *mux)
{
    const struct orri_track *track = &mux->track;
    const struct orri_chunk_info *info = &track->info;
    bool from_start = info->first == 0;
    bool to_end = track->last == info->total;
    int64_t start = 0;
    mux->base = info->start;
    if (!mux->sound)
        return;
    if (orri_sound_start(mux->sound, info->time_base, &start) && from_start &&
        start < mux->base)
        mux->base = start;
    orri_sound_window(mux->sound, info->time_base, mux->base,
                      from_start ? INT64_MIN : info->start,
                      to_end ? INT64_MAX : track->end);
}

/* ---- writing ---- */

static orr_status disk_error(const struct mux *mux, int code, struct orr_error *err)
{
    return orri_av_error(err, ORR_ERR_STORE, code, "cannot write %s", mux->path);
}

static orr_status take_video(void *context, AVPacket *packet, struct orr_error *err)
{
    struct mux *mux = context;
    orr_status status = ORR_OK;
    if (mux->sound)
        status = orri_sound_write(
            mux->sound, mux->format,
            av_rescale_q(packet->dts, mux->track.time_base, mux->track.info.time_base),
            err);
    if (status != ORR_OK)
        return status;
    packet->stream_index = mux->video->index;
    packet->pos = -1;
    int code = av_interleaved_write_frame(mux->format, packet);
    return code < 0 ? disk_error(mux, code, err) : ORR_OK;
}

static orr_status write_header(struct mux *mux, struct orr_error *err)
{
    AVDictionary *options = NULL;
    int code = avio_open(&mux->format->pb, mux->temporary, AVIO_FLAG_WRITE);
    if (code < 0)
        return disk_error(mux, code, err);
    if (strcmp(mux->format->oformat->name, "mp4") == 0)
        orri_must(av_dict_set(&options, "movflags", "+faststart", 0), "options");
    orri_log_clear();
    code = avformat_write_header(mux->format, &options);
    av_dict_free(&options);
    if (code < 0)
        return orri_av_error(err, ORR_ERR_INPUT, code, "%s cannot hold this track (%s)",
                             mux->path,
                             avcodec_get_name(mux->track.parameters->codec_id));
    return ORR_OK;
}

static orr_status write_all(struct mux *mux, struct orr_error *err)
{
    orr_status status = write_header(mux, err);
    if (status == ORR_OK) {
        orri_track_retime(&mux->track, mux->base, mux->video->time_base);
        status = orri_track_each(&mux->track, take_video, mux, err);
    }
    if (status == ORR_OK && mux->sound)
        status = orri_sound_write(mux->sound, mux->format, INT64_MAX, err);
    int code = status == ORR_OK ? av_write_trailer(mux->format) : 0;
    int closed = mux->format->pb ? avio_closep(&mux->format->pb) : 0;
    if (status == ORR_OK && (code < 0 || closed < 0))
        status = disk_error(mux, code < 0 ? code : closed, err);
    return status;
}

/* Read the file back: every frame is there, once, in time. */
static orr_status verify(const struct mux *mux, struct orr_error *err)
{
    AVFormatContext *format = NULL;
    orr_status status = orri_container_open(mux->temporary, &format, err);
    if (status != ORR_OK)
        return status;
    struct orri_timeline timeline;
    AVPacket *packet = orri_need(av_packet_alloc());
    int at = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    int64_t *pts = orr_alloc(mux->track.n, sizeof *pts);
    uint64_t n = 0;
    while (av_read_frame(format, packet) >= 0) {
        if (packet->stream_index == at && n++ < mux->track.n)
            pts[n - 1] = packet->pts;
        av_packet_unref(packet);
    }
    orri_timeline_init(&timeline, pts, n < mux->track.n ? n : mux->track.n, 1);
    if (n != mux->track.n || !timeline.unique)
        status = orri_error(
            err, ORR_ERR_STORE,
            "%s was written with %llu of %llu frames%s when read back: is "
            "the disk in order?",
            mux->path, (unsigned long long)n, (unsigned long long)mux->track.n,
            timeline.unique ? "" : ", some at one time,");
    orri_timeline_release(&timeline);
    free(pts);
    av_packet_free(&packet);
    avformat_close_input(&format);
    return status;
}

/* On disk, then under its name. */
static orr_status publish(const struct mux *mux, int64_t *bytes, struct orr_error *err)
{
    struct stat st;
    int fd = open(mux->temporary, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0 && fstat(fd, &st) == 0;
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    if (good && rename(mux->temporary, mux->path) != 0) {
        error = errno;
        good = false;
    }
    if (!good)
        return orr_error_errno(err, ORR_ERR_STORE, error, "cannot finish %s",
                               mux->path);
    *bytes = st.st_size;
    char *directory = orr_path_directory(mux->path);
    orr_status status = orr_fsync_directory(directory, err);
    free(directory);
    return status;
}

static orr_status check_rate(const struct mux *mux, double fps, struct orr_error *err)
{
    double rate = av_q2d(mux->track.info.rate);
    if (fps == 0 || (fps > rate * 0.99 && fps < rate * 1.01))
        return ORR_OK;
    return orri_error(
        err, ORR_ERR_INPUT,
        "fps %g is not the rate of the source (%g): times are the source's, "
        "leave fps out",
        fps, rate);
}

static orr_status mux_all(struct mux *mux, struct orr_error *err)
{
    struct orr_call *call = mux->call;
    enum orri_sound_mode mode = ORRI_SOUND_NONE;
    const char *headers = orr_arg_string(orr_arg(call, "headers"), "inband");
    bool inband = strcmp(headers, "inband") == 0;
    if (!inband && strcmp(headers, "equal") != 0)
        return orri_error(err, ORR_ERR_INPUT,
                          "headers is \"inband\" or \"equal\", not \"%s\"", headers);
    orr_status status =
        read_sound_mode(orr_arg_string(orr_arg(call, "audio"), "copy"), &mode, err);
    if (status == ORR_OK)
        status = open_output(mux, orr_arg_string(orr_arg(call, "file"), ""), err);
    if (status == ORR_OK)
        status =
            orri_track_scan(&mux->track, call, orr_arg(call, "chunks"), inband, err);
    if (status == ORR_OK)
        status = check_rate(mux, orr_arg_float(orr_arg(call, "fps"), 0), err);
    if (status != ORR_OK)
        return status;
    if (mux->track.headers_differ)
        orr_call_warn(call,
                      "chunks were encoded with different presets or options: each "
                      "carries its decoder header; not all players follow the change");
    mux->seconds = (double)(mux->track.end - mux->track.info.start) *
                   av_q2d(mux->track.info.time_base);
    add_video(mux);
    if (mode != ORRI_SOUND_NONE)
        status = orri_sound_open(
            orr_arg_string(orr_arg(call, "source"), mux->track.info.source), mode,
            mux->format, &mux->sound, err);
    place_sound(mux);
    if (status == ORR_OK)
        status = write_all(mux, err);
    if (status == ORR_OK)
        status = verify(mux, err);
    return status;
}

static void release(struct mux *mux)
{
    if (mux->temporary)
        (void)unlink(mux->temporary);
    free(mux->temporary);
    orri_sound_free(mux->sound);
    orri_track_release(&mux->track);
    if (mux->format && mux->format->pb)
        (void)avio_closep(&mux->format->pb);
    avformat_free_context(mux->format);
}

static int run_mux(struct orr_call *call)
{
    struct orr_error err = { 0 };
    struct mux mux = { .call = call };
    int64_t bytes = 0;
    orr_status status = mux_all(&mux, &err);
    if (status == ORR_OK)
        status = publish(&mux, &bytes, &err);
    if (status == ORR_OK) {
        const struct orri_track *track = &mux.track;
        orr_set_string(call, "file", mux.path);
        orr_set_int(call, "bytes", bytes);
        orr_set_int(call, "frames", (int64_t)track->n);
        orr_set_seconds(call, "duration", mux.seconds);
        orr_set_bool(call, "audio", mux.sound != NULL);
    }
    release(&mux);
    return status == ORR_OK ? 0 : orri_fail(call, &err);
}

static const struct orr_param mux_params[] = {
    { "chunks", "list<blob>", NULL, "data of media.encode, in order" },
    { "file", "string", NULL, "name in the run's out directory; .mp4 or .mkv" },
    { "fps", "float?", NULL, "a check only: times are the source's" },
    { "source", "path?", NULL, "where the sound is; default: the encoded source" },
    { "audio", "string", "\"copy\"", "copy, aac (encode it), none" },
    { "headers", "string", "\"inband\"",
      "inband: h264 and hevc chunks of other presets carry their headers; equal: "
      "refuse them" },
    { NULL, NULL, NULL, NULL },
};

static const struct orr_result_field mux_results[] = {
    { "file", "path", NULL, "what was written" },
    { "bytes", "int", "bytes", "its size" },
    { "frames", "int", NULL, "video frames in it, read back" },
    { "duration", "duration", "s", "of the video" },
    { "audio", "bool", NULL, "it has sound" },
    { NULL, NULL, NULL, NULL },
};

const struct orr_function orr_media_mux = {
    .name = "media.mux",
    .version = "1",
    .doc = "Put encoded chunks and the source's sound together in one file.",
    .params = mux_params,
    .results = mux_results,
    .run = run_mux,
};
