/* probe.c - media.probe: what a video is; owns nothing */
#include "media/media.h"

#include "base/clock.h"
#include "media/index.h"
#include "media/libav.h"

#include <stdio.h>
#include <string.h>

/* "12.5 s" is too coarse for a place in a film: 1:02:03.456. */
static void time_text(double seconds, char *out, size_t size)
{
    int whole = (int)seconds;
    (void)snprintf(out, size, "%d:%02d:%06.3f", whole / 3600, whole / 60 % 60,
                   seconds - whole / 60 * 60);
}

orr_status orri_check_damage(const struct orri_index *index, const char *damaged,
                             struct orr_error *err)
{
    const struct orri_damage *damage = &index->damage;
    char at[40];
    bool keep = strcmp(damaged, "keep") == 0;
    if (!keep && strcmp(damaged, "fail") != 0)
        return orri_error(err, ORR_ERR_INPUT,
                          "damaged is \"fail\" or \"keep\", not \"%s\"", damaged);
    if (keep || damage->count == 0)
        return ORR_OK;
    uint32_t frame = damage->frame < index->n_frames ? damage->frame : index->n_frames;
    time_text(orri_index_seconds(index, frame), at, sizeof at);
    return orri_error(
        err, ORR_ERR_INPUT,
        "%s is damaged at %s (frame %u): %s (%u place%s in all; %u frames can "
        "be decoded). Copy it again, or give damaged: \"keep\" to media.probe, "
        "media.split and media.encode alike to go on with what can be decoded",
        index->path, at, frame, damage->text, damage->count,
        damage->count == 1 ? "" : "s", index->n_frames);
}

orr_status orri_index_asked(struct orr_call *call, bool scores,
                            const struct orri_index **out, struct orr_error *err)
{
    const char *damaged = orr_arg_string(orr_arg(call, "damaged"), "fail");
    bool verify = orr_arg_bool(orr_arg(call, "verify"), false);
    enum orri_depth depth = scores                                   ? ORRI_SCORED
                            : verify || strcmp(damaged, "keep") == 0 ? ORRI_DECODED
                                                                     : ORRI_LISTED;
    orr_status status =
        orri_index_get(orr_arg_string(orr_arg(call, "source"), ""),
                       orr_call_cache(call), orr_call_cores(call), depth, out, err);
    return status == ORR_OK ? orri_check_damage(*out, damaged, err) : status;
}

static const char *or_unknown(const char *name) { return name ? name : "unknown"; }

static void set_picture(struct orr_call *call, const struct orri_index *index,
                        const AVStream *stream)
{
    const AVCodecParameters *video = stream->codecpar;
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(index->format);
    AVRational aspect = video->sample_aspect_ratio;
    char text[40];
    if (aspect.num <= 0 || aspect.den <= 0)
        aspect = (AVRational) { 1, 1 };
    (void)snprintf(text, sizeof text, "%d:%d", aspect.num, aspect.den);
    orr_set_int(call, "width", index->width);
    orr_set_int(call, "height", index->height);
    orr_set_string(call, "codec", avcodec_get_name(video->codec_id));
    orr_set_string(call, "pixel_format",
                   or_unknown(av_get_pix_fmt_name(index->format)));
    orr_set_int(call, "bit_depth", format ? format->comp[0].depth : 0);
    orr_set_string(call, "sample_aspect", text);
    orr_set_int(call, "rotation", orri_rotation(stream));
    orr_set_bool(call, "interlaced", index->interlaced);
    orr_set_string(call, "color_range",
                   or_unknown(av_color_range_name(video->color_range)));
    orr_set_string(call, "color_space",
                   or_unknown(av_color_space_name(video->color_space)));
    orr_set_string(call, "color_transfer",
                   or_unknown(av_color_transfer_name(video->color_trc)));
    orr_set_string(call, "color_primaries",
                   or_unknown(av_color_primaries_name(video->color_primaries)));
}

static void set_times(struct orr_call *call, const struct orri_index *index)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%d/%d", index->rate.num, index->rate.den);
    orr_set_int(call, "frames", index->n_frames);
    orr_set_float(call, "fps", av_q2d(index->rate));
    orr_set_string(call, "rate", text);
    orr_set_seconds(call, "duration", orri_index_seconds(index, index->n_frames));
    orr_set_bool(call, "vfr", index->vfr);
    orr_set_int(call, "keyframes", index->n_safe);
    orr_set_int(call, "damaged_places", index->damage.count);
}

static void set_sound(struct orr_call *call, AVFormatContext *format)
{
    int64_t streams = 0;
    int at = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    for (unsigned i = 0; i < format->nb_streams; i++)
        streams += format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    orr_set_bool(call, "audio", at >= 0);
    orr_set_int(call, "audio_streams", streams);
    if (at < 0)
        return;
    const AVCodecParameters *sound = format->streams[at]->codecpar;
    orr_set_string(call, "audio_codec", avcodec_get_name(sound->codec_id));
    orr_set_int(call, "audio_channels", sound->ch_layout.nb_channels);
    orr_set_int(call, "audio_rate", sound->sample_rate);
}

static int run_probe(struct orr_call *call)
{
    struct orr_error err = { 0 };
    const struct orri_index *index = NULL;
    struct orri_source *source = NULL;
    const char *path = orr_arg_string(orr_arg(call, "source"), "");
    orr_status status = orri_index_asked(call, false, &index, &err);
    if (status == ORR_OK)
        status = orri_source_open(path, 1, ORRI_COUNT, &source, &err);
    if (status != ORR_OK)
        return orri_fail(call, &err);
    set_times(call, index);
    set_picture(call, index, source->stream);
    set_sound(call, source->format);
    orr_set_string(call, "container", source->format->iformat->name);
    orri_source_close(source);
    if (index->interlaced)
        orr_call_warn(call,
                      "%s is interlaced; media.encode treats its frames as "
                      "progressive, deinterlace it first",
                      path);
    if (index->invented)
        orr_call_warn(call,
                      "%s has no timestamps; frames are taken to be %.6g a second",
                      path, av_q2d(index->rate));
    return 0;
}

static const struct orr_param probe_params[] = {
    { "source", "path", NULL, "video file" },
    { "damaged", "string", "\"fail\"",
      "fail, or keep: go on with what can be decoded" },
    { "verify", "bool", "false",
      "decode every frame now; else damage may be found by media.encode only" },
    { NULL, NULL, NULL, NULL },
};

static const struct orr_result_field probe_results[] = {
    { "frames", "int", NULL, "frames, counted" },
    { "fps", "float", "1/s", "average frame rate" },
    { "rate", "string", "1/s", "the same as a fraction" },
    { "duration", "duration", "s", "from the first frame to the end of the last" },
    { "vfr", "bool", NULL, "frames do not follow a constant rate" },
    { "keyframes", "int", NULL, "where decoding can start" },
    { "damaged_places", "int", NULL,
      "where decoding failed; 0 unless damaged is keep" },
    { "width", "int", "px", "as coded, before rotation and sample aspect" },
    { "height", "int", "px", "as coded, before rotation and sample aspect" },
    { "rotation", "int", "degrees", "by which a player turns it clockwise" },
    { "sample_aspect", "string", NULL, "width:height of a sample" },
    { "codec", "string", NULL, "h264, mpeg4, ..." },
    { "pixel_format", "string", NULL, "yuv420p, ..." },
    { "bit_depth", "int", "bits", "of luma samples" },
    { "interlaced", "bool", NULL, "some frames are made of two fields" },
    { "color_range", "string", NULL, "tv, pc or unknown" },
    { "color_space", "string", NULL, "bt709, ... or unknown" },
    { "color_transfer", "string", NULL, "bt709, smpte2084, ... or unknown" },
    { "color_primaries", "string", NULL, "bt709, bt2020, ... or unknown" },
    { "audio", "bool", NULL, "there is sound" },
    { "audio_streams", "int", NULL, "sound tracks" },
    { "audio_codec", "string?", NULL, "of the main one" },
    { "audio_channels", "int?", NULL, "of the main one" },
    { "audio_rate", "int?", "Hz", "of the main one" },
    { "container", "string", NULL, "libavformat's name: mov,mp4,m4a,3gp,3g2,mj2, ..." },
    { NULL, NULL, NULL, NULL },
};

const struct orr_function orr_media_probe = {
    .name = "media.probe",
    .version = "1",
    .doc = "Say what a video is.",
    .params = probe_params,
    .results = probe_results,
    .run = run_probe,
};
