/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the tests of tag/ share: a tag to start from, files that are gone at the end, output read
 * back. */
#include "tag/tag.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* 2026-07-10T01:01:37.082718Z */
#define SAMPLE_US 1783645297082718

static inline tag sample_tag(void)
{
    tag t = {
        .source_kind = STR("command"),
        .source_id = STR("cmd_42"),
        .attacker_uuid = STR("a1"),
        .session_id = STR("s1"),
        .decky_id = STR("decky-01"),
        .tactic = STR("TA0007"),
        .technique_id = STR("T1083"),
        .confidence = 0.85,
        .rule_id = STR("R0015"),
        .rule_version = 1,
        .rule_name = STR("suid_search"),
        .evidence = STR("{\"command_text\":\"find / -perm -4000\"}"),
        .attack_release = STR("enterprise-v18.1"),
        .event_us = SAMPLE_US,
        .created_us = SAMPLE_US + 1000000,
    };

    t.id = tag_make_id(t.source_kind, t.source_id, t.rule_id, t.rule_version, t.technique_id,
                       t.sub_technique_id);
    return t;
}

static inline void renew_id(tag *t)
{
    t->id = tag_make_id(t->source_kind, t->source_id, t->rule_id, t->rule_version, t->technique_id,
                        t->sub_technique_id);
}

static inline int memory_file(void)
{
    return memfd_create("ttp-test", MFD_CLOEXEC);
}

/* All that was written to fd (a memory file) so far; the caller frees it. */
static inline str written(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = malloc((size_t)size + 1);
    ssize_t n = text ? pread(fd, text, (size_t)size, 0) : -1;

    if (n != size)
        abort();
    text[size] = '\0';
    return (str){text, (size_t)size};
}
