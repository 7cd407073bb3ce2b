/* nal.c - NAL units of an H.264 packet in Annex B form; owns nothing */
#include "media/chunk.h"

#include <string.h>

/* The next start code (00 00 01) at or after `at`, or `length`. */
static size_t next_start(const uint8_t *data, size_t length, size_t at)
{
    for (; at + 3 <= length; at++)
        if (data[at] == 0 && data[at + 1] == 0 && data[at + 2] == 1)
            return at;
    return length;
}

/* Is this SEI unit (after its start code) x264's "x264 - core ..."? */
static bool is_note(const uint8_t *unit, size_t length)
{
    enum { SEI = 6, USER_DATA = 5 };
    return length > 2 && (unit[0] & 31) == SEI && unit[1] == USER_DATA &&
           memmem(unit, length, "x264 - core", 11) != NULL;
}

void orri_drop_encoder_note(AVPacket *packet)
{
    uint8_t *data = packet->data;
    size_t length = (size_t)packet->size;
    size_t at = next_start(data, length, 0);
    while (at < length) {
        size_t next = next_start(data, length, at + 3);
        size_t end = next;
        if (next < length && data[next - 1] == 0)
            end = next - 1; /* the zero of a four-byte start code */
        size_t start = at > 0 && data[at - 1] == 0 ? at - 1 : at;
        if (is_note(data + at + 3, end - at - 3)) {
            memmove(data + start, data + end, length - end);
            length -= end - start;
            av_shrink_packet(packet, (int)length);
            return;
        }
        at = next;
    }
}
