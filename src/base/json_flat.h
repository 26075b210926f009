/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The plain case of json_parse_into, in C++: one object of strings, short numbers, literals and
 * arrays of those. Takes simdjson's first stage (where tokens begin; UTF-8 and control characters
 * are checked there) and reads the tokens itself, without a tape in between.
 *
 * It refuses whatever it is not sure of, well-formed or not: json_parse then has the say.
 */
#include <simdjson.h>

#include <memory>

#include "base/json_keys.h"

class json_flat
{
  public:
    /* See json_begin_run. */
    void begin_run(str texts);
    void end_run();
    /* The object's nodes, in mem; nullptr where it refuses. Its plain strings lie in text. */
    const json_node *read(str text, json_name_key *name, arena *mem, unsigned *notes);

  private:
    static constexpr size_t max_text = JSON_RUN_MAX;
    static constexpr uint32_t max_members = 64;

    std::unique_ptr<simdjson::internal::dom_parser_implementation> finder;
    json_keys keys;
    json_node nodes[1 + 2 * max_members];

    str run = {nullptr, 0}; /* texts whose tokens are known, while they last */
    const uint32_t *next;   /* the first token that no text read has had */
    const uint32_t *end;    /* behind the last one */

    /* the text being read; what it lacks can make the reading go on into the next one */
    const char *base; /* tokens are offsets from it */
    json_node *out;
    arena *mem;
    bool has_escapes, is_repeated; /* there is a backslash; a key stands twice */
    char *room;                    /* for strings that had escapes; NULL: none yet */
    size_t room_left, text_len;

    bool mark(str text);
    bool seek(str text);
    const uint32_t *read_members(const uint32_t *t, const json_keys::place *key);
    const json_keys::place *read_key(const uint32_t *t, const json_keys::place *at);
    const json_keys::place *learn_key(const uint32_t *t, const json_keys::place *at);
    const uint32_t *read_value(const uint32_t *t, json_node *node);
    const uint32_t *read_array(const uint32_t *t, json_node *node);
    bool check_element(const uint32_t *t);
    bool read_scalar(const uint32_t *t, json_node *node) const;
    bool find_string(const uint32_t *t, str *ret);
    bool unescape(str *s);
    const char *token_end(const uint32_t *t) const;
};
