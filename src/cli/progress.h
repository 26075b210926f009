/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One line on a terminal that tells how far a long run is; wiped before anything else is said. */
#include "event/reader.h"

typedef struct progress {
    bool enabled;
    bool shown;
    unsigned until_look; /* steps before the clock is asked again */
    int64_t started_ns, last_ns;
} progress;

void progress_start(progress *p, bool enabled);
/* Called for each event; costs a decrement but once in a thousand. */
void progress_step(progress *p, const reader *r);
void progress_clear(progress *p);
