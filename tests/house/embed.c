/* SPDX-License-Identifier: Apache-2.0 */
/* A program of somebody else's that embeds libttp; test_install.py compiles it against an installed
 * copy. */
#include <string.h>
#include <ttp/api.h>
#include <ttp/err.h>
#include <ttp/event.h>
#include <ttp/log.h>

/* a name that the library uses inside: both must live side by side */
int sha1(void);
int sha1(void)
{
    return 1;
}

int main(void)
{
    static const char text[] =
        "{\"source_kind\": \"command\", \"source_id\": \"c1\", \"payload\": {}}";
    static const char bad[] = "{\"source_kind\": ";
    ttp_event *event = NULL;
    ttp_err err = {0};
    char line[512];

    if (ttp_event_from_json(text, sizeof text - 1, &event, &err) != 0 || !event)
        return 1;
    event = ttp_event_free(event);
    if (event || ttp_event_from_json(bad, sizeof bad - 1, &event, &err) != TTP_E_SYNTAX)
        return 2;
    if (strlen(ttp_err_format(&err, line, sizeof line)) == 0)
        return 3;
    return sha1() == 1 ? 0 : 4;
}
