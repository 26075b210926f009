/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One line on a terminal that tells how far a long run is; wiped before anything else is said. */
#include "event/feed.h"

typedef struct progress {
    bool enabled;
    bool shown;
    int64_t started_ns, last_ns;
} progress;

void progress_start(progress *p, bool enabled);
/* Called for each batch of events. */
void progress_step(progress *p, const feed *f);
void progress_clear(progress *p);
