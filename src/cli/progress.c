/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "base/time.h"

#include <stdio.h>

#define NS_PER_S 1000000000ll
#define REDRAW_NS (NS_PER_S / 5)

void progress_start(progress *p, bool enabled)
{
    *p = (progress){.enabled = enabled};
    p->started_ns = p->last_ns = time_monotonic_ns();
}

static void draw(progress *p, const feed *f)
{
    const reader_stats *stats = feed_get_stats(f);
    double seconds = (double)(p->last_ns - p->started_ns) / NS_PER_S;
    uint64_t done, total;

    feed_progress(f, &done, &total);
    fprintf(stderr, "\r\033[K%.1f MB, %.0f events/s", (double)stats->bytes / 1e6,
            (double)stats->events / seconds);
    if (total && done)
        fprintf(stderr, ", %.0f%% of this file, %.0f s left", 100.0 * (double)done / (double)total,
                seconds * (double)(total - done) / (double)(stats->bytes ? stats->bytes : 1));
    fflush(stderr);
    p->shown = true;
}

void progress_step(progress *p, const feed *f)
{
    int64_t now_ns;

    if (!p->enabled)
        return;
    now_ns = time_monotonic_ns();
    if (now_ns - p->last_ns < REDRAW_NS)
        return;
    p->last_ns = now_ns;
    draw(p, f);
}

void progress_clear(progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r\033[K");
    p->shown = false;
}
