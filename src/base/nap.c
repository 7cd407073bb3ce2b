/* nap.c - from the time that was quiet to the time that will be slept */
#include "base/nap.h"

#include <math.h>

static const int64_t SHORTEST = 50 * 1000; /* ns */
static const int64_t CALM = 500 * 1000;
static const int64_t CALMEST = 4 * 1000 * 1000;
static const int64_t LONGEST = 30 * 1000 * 1000; /* under half a percent of a core */

static int64_t within(int64_t x, int64_t least, int64_t most)
{
    return x < least ? least : x > most ? most : x;
}

/* While there is work ahead a message may wait: a sixteenth of the time that it lasts.
 */
static int64_t shortest(int64_t ahead)
{
    return ahead > 0 ? within(ahead / 16, CALM, CALMEST) : SHORTEST;
}

/* A nap is an eighth of the quiet so far, or, where cores wait for what a message
 * brings or soon will, a sixty-fourth, which is what a call loses that waits for
 * another. */
static int64_t part(int64_t ahead) { return ahead > 0 ? 8 : 64; }

int64_t orr_nap(int64_t quiet, int64_t ahead)
{
    int64_t left = ahead - quiet;
    return within(quiet / part(left), left > 0 ? shortest(ahead) : SHORTEST, LONGEST);
}

/* As long as each other at first, then longer each by the same factor, then as long as
 * each other again. */
static double naps_until(double quiet, double parts, double first)
{
    double grows = parts * first; /* from so much quiet on */
    double grown = parts * (double)LONGEST;
    if (quiet <= grows)
        return quiet > 0 ? quiet / first : 0;
    double naps =
        parts + log((quiet < grown ? quiet : grown) / grows) / log(1 + 1 / parts);
    return quiet > grown ? naps + (quiet - grown) / (double)LONGEST : naps;
}

double orr_naps_within(int64_t quiet, int64_t ahead)
{
    double parts = (double)part(0);
    double first = (double)SHORTEST;
    double calm = (double)(quiet < ahead ? quiet : ahead); /* so long there is work */
    double naps = naps_until((double)quiet, parts, first);
    if (ahead <= 0)
        return naps;
    return naps_until(calm, (double)part(ahead), (double)shortest(ahead)) + naps -
           naps_until(calm, parts, first);
}
