/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

#define CONFIDENCE 0.875f /* exact in a float, as all that are set here */

void model_rule_id(unsigned number, char out[8])
{
    (void)snprintf(out, 8, "T%02u", number % 100); /* it fits */
}

int model_rule_number(const char *rule_id)
{
    unsigned long n = rule_id[0] == 'T' ? strtoul(rule_id + 1, NULL, 10) : N_RULES;

    return n < N_RULES ? (int)n : -1;
}

static unsigned word(unsigned number, uint32_t version, unsigned which)
{
    return (number * 7 + (version % N_VARIANTS) * 5 + which * 3) % N_WORDS;
}

/* Each shape that an index treats in another way, in turn. */
static void put_match(buf *b, unsigned number, uint32_t version)
{
    unsigned x = word(number, version, 0), y = word(number, version, 1);

    switch (number % 7) {
    case 0:
        /* each version brings a pattern that was never there */
        buf_printf(b, "{pattern: '\\bword%u_\\w*|nowhere%u_'}", x, version);
        break;
    case 1:
        buf_printf(b, "{contains: word%u_}", x);
        break;
    case 2:
        buf_printf(b, "{all: [{contains: word%u_}, {contains: word%u_}]}", x, y);
        break;
    case 3:
        buf_printf(b, "{any: [{startswith: word%u_}, {pattern: '(?i)WORD%u_[a-z]+$'}]}", x, y);
        break;
    case 4:
        buf_printf(b, "{not: {contains: word%u_}}", x);
        break;
    case 5:
        buf_printf(b, "{field: n, gt: %u}", x);
        break;
    default:
        buf_printf(b, "{all: [{field: n, lt: %u}, {not: {pattern: 'word%u_|word%u_'}}]}", x, x, y);
        break;
    }
}

void model_put_rule(buf *b, unsigned number, uint32_t version)
{
    char id[8];

    model_rule_id(number, id);
    buf_printf(b,
               "rule_id: %s\nrule_version: %u\nname: torture\napplies_to: [command]\n"
               "emits: [{tactic: TA0002, technique_id: T1059, confidence: %g}]\nmatch: ",
               id, version, (double)CONFIDENCE);
    put_match(b, number, version);
    buf_put_char(b, '\n');
}

void model_put_bystander(buf *b, unsigned number)
{
    static const char *const matches[] = {"{contains: stander%u_}", "{startswith: stander%u_}",
                                          "{pattern: '(?i)STANDER%u_[a-z]+'}",
                                          "{endswith: stander%u_}"};

    buf_printf(b,
               "rule_id: S%03u\nrule_version: 1\nname: bystander\napplies_to: [command]\n"
               "emits: [{tactic: TA0002, technique_id: T1059, confidence: %g}]\nmatch: ",
               number, (double)CONFIDENCE);
    buf_printf(b, matches[number % 4], number);
    buf_put_char(b, '\n');
}

static bool make_event(unsigned number, ttp_event **ret_event)
{
    char text[400];
    int len = snprintf(text, sizeof(text),
                       "{\"source_kind\":\"command\",\"source_id\":\"e%u\",\"attacker_uuid\":\"a\","
                       "\"payload\":{\"n\":%u,\"command_text\":\"word%u_ab; word%u_x word%u_ 'x' "
                       "word%u_cd\"}}",
                       number, number % N_WORDS, number % N_WORDS, (number * 5 + 1) % N_WORDS,
                       (number * 11 + 2) % N_WORDS, (number * 13 + 3) % N_WORDS);

    return ttp_event_from_json(text, (size_t)len, ret_event, NULL) == 0;
}

static bool find_holding(model *m, matcher *work, unsigned number, unsigned variant)
{
    auto_free(rule) rule *r = NULL;
    auto_free(buf) buf text = {0};
    ttp_err err = {0};

    model_put_rule(&text, number, N_VARIANTS + variant);
    if (rule_read(buf_str(&text), NULL, NULL, &r, &err)) {
        fprintf(stderr, "torture: rule %u: %s\n", number, err.text);
        return false;
    }
    for (unsigned e = 0; e < N_EVENTS; e++) {
        matcher_new_event(work);
        m->holds[e][number][variant] = rule_holds(r, EVENT_COMMAND, m->events[e]->payload, work) ==
                                       1;
    }
    return true;
}

bool model_init(model *m)
{
    auto_free(matcher) matcher *work = matcher_new(NULL);
    bool done = work;

    *m = (model){0};
    for (unsigned e = 0; done && e < N_EVENTS; e++)
        done = make_event(e, &m->events[e]);
    for (unsigned r = 0; done && r < N_RULES; r++)
        for (unsigned v = 0; done && v < N_VARIANTS; v++)
            done = find_holding(m, work, r, v);
    return done;
}

void model_done(model *m)
{
    for (unsigned e = 0; e < N_EVENTS; e++)
        ttp_event_free(m->events[e]);
}

static void set_state(model_rule *r, const ttp_rule_state *state)
{
    r->kind = (uint8_t)state->kind;
    r->confidence_max = state->has_confidence_max ? (float)state->confidence_max : 1;
}

void model_change(model_world *w, const ttp_change *c)
{
    int number = model_rule_number(c->rule_id);

    if (number < 0)
        return;
    if (c->kind == TTP_CHANGE_STATE)
        set_state(&w->rules[number], &c->state);
    else
        w->rules[number].version = c->rule ? (uint32_t)c->rule->rule_version : 0;
}

void model_load(model_world *w, const rule *r, const ttp_rule_state *state)
{
    int number = model_rule_number(r->rule_id.ptr);

    if (number < 0)
        return;
    w->rules[number].version = (uint32_t)r->rule_version;
    set_state(&w->rules[number], state);
}

size_t model_tags(const model *m, const model_world *w, unsigned which, model_tag out[N_RULES])
{
    size_t n = 0;

    for (unsigned i = 0; i < N_RULES; i++) {
        const model_rule *r = &w->rules[i];
        float confidence = CONFIDENCE;

        if (!r->version || r->kind == TTP_STATE_DISABLED ||
            !m->holds[which][i][r->version % N_VARIANTS])
            continue;
        if (r->kind == TTP_STATE_CLIPPED && r->confidence_max < confidence)
            confidence = r->confidence_max;
        out[n++] = (model_tag){r->version, (uint16_t)i, confidence};
    }
    return n;
}
