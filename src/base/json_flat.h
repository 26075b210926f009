/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The plain case of json_parse_flat, in C++: one object of strings without escapes, short numbers,
 * literals and arrays of those. Takes simdjson's first stage (where tokens begin; UTF-8 and control
 * characters are checked there) and reads the tokens itself, without a tape in between.
 *
 * It refuses whatever it is not sure of, well-formed or not: json_parse then has the say.
 */
#include <simdjson.h>

#include <memory>

extern "C" {
#include "base/json.h"
}

class json_flat
{
  public:
    /*
     * The object's nodes, which last until the next call; nullptr where it refuses. Its strings lie
     * in text.
     */
    const json_node *read(str text, unsigned *notes);

  private:
    static constexpr size_t max_text = 16u << 10;
    static constexpr uint32_t max_members = 64;
    static constexpr unsigned filter_bits = 9;

    std::unique_ptr<simdjson::internal::dom_parser_implementation> finder;
    json_node nodes[1 + 2 * max_members];
    uint64_t seen[(1u << filter_bits) / 64]; /* a filter of the keys so far */

    const char *base;      /* the text */
    const uint32_t *token; /* offset of the next token */
    const uint32_t *end;   /* behind the last one */
    json_node *out;
    bool repeated; /* a key stands twice */

    bool begin(str text);
    bool read_members();
    bool read_key();
    bool read_value();
    bool read_array();
    bool skip_element();
    bool read_scalar(json_node *node);
    bool find_string(str *ret);
    const char *token_end() const;
    bool step_over(char c);
    void note_key(const json_node *key);
    bool has_before(const json_node *key) const;
};
