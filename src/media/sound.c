/* sound.c - the sound of a source, copied or encoded once as a whole
 * Owns: the source's sound packets on their way into the output.
 * Hands on: decoding and encoding (recode.c).
 *
 * Sound is never cut into chunks: an encoder's delay at every seam adds up. */
#include "media/sound.h"

#include "base/memory.h"
#include "media/libav.h"
#include "media/recode.h"
#include "media/source.h"

#include <stdlib.h>
#include <string.h>

struct voice {
    int from, to;               /* stream numbers of source and output */
    struct orri_recode *recode; /* NULL: copied */
};

struct orri_sound {
    char *path;
    AVFormatContext *format;
    struct voice *voices;
    uint32_t n;
    AVPacket **held; /* read to learn when the sound starts */
    size_t n_held, cap_held, next_held;
    AVRational time_base;
    int64_t base, from, until;
    int64_t reached; /* time of the output up to which sound was written */
    bool done;
};

enum { PEEK_PACKETS = 200 };

static orr_status check_container(const struct orri_sound *sound,
                                  const AVFormatContext *to,
                                  const AVCodecParameters *parameters,
                                  struct orr_error *err)
{
    if (avformat_query_codec(to->oformat, parameters->codec_id, FF_COMPLIANCE_NORMAL) ==
        1)
        return ORR_OK;
    return orri_error(
        err, ORR_ERR_INPUT,
        "the %s sound of %s cannot be copied into this %s file: give audio: "
        "\"aac\" to encode it, or a name that ends in .mkv",
        avcodec_get_name(parameters->codec_id), sound->path, to->oformat->name);
}

static orr_status add_voice(struct orri_sound *sound, AVStream *from,
                            enum orri_sound_mode mode, AVFormatContext *to,
                            struct orr_error *err)
{
    orr_status status = ORR_OK;
    struct voice *voice = &sound->voices[sound->n];
    if (mode == ORRI_SOUND_COPY)
        status = check_container(sound, to, from->codecpar, err);
    if (status != ORR_OK)
        return status;
    AVStream *stream = orri_need(avformat_new_stream(to, NULL));
    const AVDictionaryEntry *language =
        av_dict_get(from->metadata, "language", NULL, 0);
    if (language)
        orri_must(av_dict_set(&stream->metadata, "language", language->value, 0),
                  "language");
    stream->disposition = from->disposition;
    voice->from = from->index;
    voice->to = stream->index;
    if (mode == ORRI_SOUND_AAC) {
        status = orri_recode_open(sound->path, from, to, stream, &voice->recode, err);
    } else {
        orri_must(avcodec_parameters_copy(stream->codecpar, from->codecpar),
                  "parameters");
        stream->codecpar->codec_tag = 0;
        stream->time_base = from->time_base;
    }
    if (status == ORR_OK)
        sound->n++;
    return status;
}

orr_status orri_sound_open(const char *path, enum orri_sound_mode mode,
                           AVFormatContext *to, struct orri_sound **out,
                           struct orr_error *err)
{
    struct orri_sound *sound = orr_alloc(1, sizeof *sound);
    sound->path = orr_strdup(path);
    sound->reached = INT64_MIN;
    orr_status status = orri_container_open(path, &sound->format, err);
    if (status == ORR_OK)
        sound->voices = orr_alloc(sound->format->nb_streams, sizeof *sound->voices);
    for (unsigned i = 0; status == ORR_OK && i < sound->format->nb_streams; i++) {
        AVStream *stream = sound->format->streams[i];
        stream->discard = AVDISCARD_ALL;
        if (stream->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
            continue;
        stream->discard = AVDISCARD_DEFAULT;
        status = add_voice(sound, stream, mode, to, err);
    }
    *out = status == ORR_OK && sound->n ? sound : NULL;
    if (!*out)
        orri_sound_free(sound);
    return status;
}

static struct voice *voice_of(struct orri_sound *sound, const AVPacket *packet)
{
    for (uint32_t i = 0; i < sound->n; i++)
        if (sound->voices[i].from == packet->stream_index)
            return &sound->voices[i];
    return NULL;
}

/* Samples at the start of a packet that are decoded but not heard. */
static int64_t skipped(const struct orri_sound *sound, const AVPacket *packet)
{
    const AVStream *stream = sound->format->streams[packet->stream_index];
    size_t size = 0;
    const uint8_t *data =
        av_packet_get_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, &size);
    if (!data || size < 4 || stream->codecpar->sample_rate <= 0)
        return 0;
    return av_rescale_q(AV_RL32(data),
                        (AVRational) { 1, stream->codecpar->sample_rate },
                        stream->time_base);
}

bool orri_sound_start(struct orri_sound *sound, AVRational time_base, int64_t *start)
{
    bool any = false;
    for (int i = 0; i < PEEK_PACKETS && !any; i++) {
        AVPacket *packet = orri_need(av_packet_alloc());
        if (av_read_frame(sound->format, packet) < 0) {
            av_packet_free(&packet);
            break;
        }
        sound->held =
            orr_grow(sound->held, sound->n_held, &sound->cap_held, sizeof(AVPacket *));
        sound->held[sound->n_held++] = packet;
        if (voice_of(sound, packet) && packet->pts != AV_NOPTS_VALUE) {
            const AVStream *stream = sound->format->streams[packet->stream_index];
            *start = av_rescale_q(packet->pts + skipped(sound, packet),
                                  stream->time_base, time_base);
            any = true;
        }
    }
    return any;
}

void orri_sound_window(struct orri_sound *sound, AVRational time_base, int64_t base,
                       int64_t from, int64_t until)
{
    sound->time_base = time_base;
    sound->base = base;
    sound->from = from;
    sound->until = until;
}

static bool in_window(const struct orri_sound *sound, const AVPacket *packet,
                      AVRational time_base)
{
    int64_t start = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (start == AV_NOPTS_VALUE)
        return true;
    int64_t end = start + packet->duration;
    if (sound->from != INT64_MIN &&
        av_compare_ts(end, time_base, sound->from, sound->time_base) <= 0)
        return false;
    return sound->until == INT64_MAX ||
           av_compare_ts(start, time_base, sound->until, sound->time_base) < 0;
}

/* Give a packet with the source's times (in `time_base`) to the muxer. */
static orr_status write_packet(struct orri_sound *sound, AVFormatContext *to,
                               const struct voice *voice, AVPacket *packet,
                               AVRational time_base, struct orr_error *err)
{
    const AVStream *stream = to->streams[voice->to];
    int64_t base = av_rescale_q(sound->base, sound->time_base, time_base);
    if (!in_window(sound, packet, time_base)) {
        av_packet_unref(packet);
        return ORR_OK;
    }
    if (packet->pts != AV_NOPTS_VALUE)
        packet->pts -= base;
    if (packet->dts != AV_NOPTS_VALUE)
        packet->dts -= base;
    if (packet->dts != AV_NOPTS_VALUE)
        sound->reached = av_rescale_q(packet->dts, time_base, sound->time_base);
    av_packet_rescale_ts(packet, time_base, stream->time_base);
    packet->stream_index = voice->to;
    packet->pos = -1;
    int code = av_interleaved_write_frame(to, packet);
    return code < 0 ? orri_av_error(err, ORR_ERR_STORE, code, "sound cannot be written")
                    : ORR_OK;
}

struct sink {
    struct orri_sound *sound;
    AVFormatContext *to;
    const struct voice *voice;
};

static orr_status take_recoded(void *context, AVPacket *packet, AVRational time_base,
                               struct orr_error *err)
{
    struct sink *sink = context;
    return write_packet(sink->sound, sink->to, sink->voice, packet, time_base, err);
}

static orr_status handle(struct orri_sound *sound, AVFormatContext *to,
                         AVPacket *packet, struct orr_error *err)
{
    const struct voice *voice = voice_of(sound, packet);
    if (!voice)
        return ORR_OK;
    AVRational time_base = sound->format->streams[voice->from]->time_base;
    struct sink sink = { sound, to, voice };
    if (!voice->recode)
        return write_packet(sound, to, voice, packet, time_base, err);
    if (!in_window(sound, packet, time_base))
        return ORR_OK;
    return orri_recode_packet(voice->recode, packet, take_recoded, &sink, err);
}

static orr_status finish(struct orri_sound *sound, AVFormatContext *to,
                         struct orr_error *err)
{
    sound->done = true;
    for (uint32_t i = 0; i < sound->n; i++) {
        struct sink sink = { sound, to, &sound->voices[i] };
        orr_status status = ORR_OK;
        if (sound->voices[i].recode)
            status = orri_recode_packet(sound->voices[i].recode, NULL, take_recoded,
                                        &sink, err);
        if (status != ORR_OK)
            return status;
    }
    return ORR_OK;
}

orr_status orri_sound_write(struct orri_sound *sound, AVFormatContext *to, int64_t time,
                            struct orr_error *err)
{
    orr_status status = ORR_OK;
    AVPacket *packet = orri_need(av_packet_alloc());
    while (status == ORR_OK && !sound->done && sound->reached < time) {
        int code = 0;
        if (sound->next_held < sound->n_held)
            av_packet_move_ref(packet, sound->held[sound->next_held++]);
        else
            code = av_read_frame(sound->format, packet);
        if (code == AVERROR(EAGAIN))
            continue;
        /* a damaged tail ends the sound as it ends the picture: media.probe tells */
        status = code < 0 ? finish(sound, to, err) : handle(sound, to, packet, err);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return status;
}

void orri_sound_free(struct orri_sound *sound)
{
    if (!sound)
        return;
    for (size_t i = 0; i < sound->n_held; i++)
        av_packet_free(&sound->held[i]);
    free(sound->held);
    for (uint32_t i = 0; i < sound->n; i++)
        orri_recode_free(sound->voices[i].recode);
    free(sound->voices);
    avformat_close_input(&sound->format);
    free(sound->path);
    free(sound);
}
