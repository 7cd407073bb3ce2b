/* timeline.c - decode times made from presentation times; owns the sorted times */
#include "media/timeline.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* How many times in display order are smaller. */
static uint64_t rank_of(const struct orri_timeline *timeline, int64_t pts)
{
    uint64_t low = 0;
    uint64_t high = timeline->n;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (timeline->sorted[middle] < pts)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void orri_timeline_init(struct orri_timeline *timeline, int64_t *pts, uint64_t n,
                        int64_t step)
{
    *timeline =
        (struct orri_timeline) { .n = n, .pts = pts, .step = step > 0 ? step : 1 };
    timeline->unique = true;
    timeline->sorted = orr_alloc(n, sizeof *timeline->sorted);
    memcpy(timeline->sorted, pts, n * sizeof *pts);
    qsort(timeline->sorted, n, sizeof *timeline->sorted, compare_times);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t rank = rank_of(timeline, pts[i]);
        if (i > rank && i - rank > timeline->delay)
            timeline->delay = i - rank;
        if (i > 0 && timeline->sorted[i] == timeline->sorted[i - 1])
            timeline->unique = false;
    }
}

int64_t orri_timeline_dts(const struct orri_timeline *timeline, uint64_t i)
{
    if (i >= timeline->delay)
        return timeline->sorted[i - timeline->delay];
    return timeline->sorted[0] - (int64_t)(timeline->delay - i) * timeline->step;
}

int64_t orri_timeline_duration(const struct orri_timeline *timeline, uint64_t i,
                               int64_t end)
{
    uint64_t after = rank_of(timeline, timeline->pts[i]) + 1;
    int64_t until = after < timeline->n ? timeline->sorted[after] : end;
    return until - timeline->pts[i];
}

void orri_timeline_release(struct orri_timeline *timeline)
{
    free(timeline->sorted);
    *timeline = (struct orri_timeline) { 0 };
}
