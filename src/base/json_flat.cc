/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_flat.h"

#include <charconv>
#include <cstring>
#include <new>

namespace
{

/* A key gives its first and last bytes, which overlap where it is short. */
inline uint64_t hash_key(const char *p, size_t len)
{
    uint64_t head = 0, tail = 0;
    uint32_t first, last;

    if (len >= 8) {
        memcpy(&head, p, 8);
        memcpy(&tail, p + len - 8, 8);
    } else if (len >= 4) {
        memcpy(&first, p, 4);
        memcpy(&last, p + len - 4, 4);
        head = first | static_cast<uint64_t>(last) << 32;
    } else if (len > 0) {
        head = static_cast<unsigned char>(p[0]) | static_cast<unsigned char>(p[len - 1]) << 8;
    }
    return (head ^ (tail * 0xC2B2AE3D27D4EB4Fu) ^ len) * 0x9E3779B97F4A7C15u;
}

inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits up to end; returns where they stop. */
inline const char *read_digits(const char *p, const char *end, uint64_t *value)
{
    for (; p < end && is_digit(*p); p++)
        *value = *value * 10 + static_cast<uint64_t>(*p - '0');
    return p;
}

/* Both sides are exact as doubles, so that their quotient is rounded once, as it should be. */
inline double short_decimal(uint64_t digits, size_t n_behind_dot)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

    return static_cast<double>(digits) / powers[n_behind_dot];
}

/* An integer of up to 15 digits, or a decimal of up to 30 without an exponent. */
bool read_number(const char *p, const char *end, json_node *node)
{
    bool negative = *p == '-';
    const char *whole = p + negative, *dot;
    uint64_t value = 0;
    double f;

    if (end - whole > 31)
        return false;
    dot = read_digits(whole, end, &value);
    if (dot == whole || dot - whole > 15 || (*whole == '0' && dot - whole > 1))
        return false;
    if (dot == end) {
        int64_t i = static_cast<int64_t>(value);

        *node = json_make_int(negative ? -i : i);
        return true;
    }
    if (*dot != '.' || dot + 1 == end || read_digits(dot + 1, end, &value) != end)
        return false;
    if (end - whole <= 16)
        f = short_decimal(value, static_cast<size_t>(end - dot - 1));
    else if (std::from_chars(whole, end, f).ptr != end)
        return false;
    *node = json_make_double(negative ? -f : f);
    return true;
}

inline bool is_word(const char *p, const char *end, const char *word, size_t len)
{
    return static_cast<size_t>(end - p) == len && memcmp(p, word, len) == 0;
}

} // namespace

/* Where the token that begins at token[0] ends: white space before the next one is not its own. */
inline const char *json_flat::token_end() const
{
    const char *p = base + token[1];

    while (p[-1] == ' ' || p[-1] == '\t' || p[-1] == '\n' || p[-1] == '\r')
        p--;
    return p;
}

inline bool json_flat::step_over(char c)
{
    if (token == end || base[*token] != c)
        return false;
    token++;
    return true;
}

/*
 * There is no backslash in the text, so the first quote behind the one that opens closes; and
 * between that and the next token there is nothing but white space.
 */
inline bool json_flat::find_string(str *ret)
{
    const char *p;
    const char *last;

    if (end - token < 2 || base[*token] != '"')
        return false;
    p = base + *token + 1;
    last = token_end() - 1;
    if (last < p || *last != '"')
        return false;
    *ret = {p, static_cast<size_t>(last - p)};
    token++;
    return true;
}

bool json_flat::has_before(const json_node *key) const
{
    for (const json_node *n = nodes + 1; n < key; n += 2) {
        if (n->len == key->len && memcmp(n->str, key->str, key->len) == 0)
            return true;
    }
    return false;
}

inline void json_flat::note_key(const json_node *key)
{
    uint64_t hash = hash_key(key->str, key->len) >> (64 - filter_bits);
    uint64_t bit = UINT64_C(1) << (hash & 63);

    if ((seen[hash >> 6] & bit) && has_before(key))
        repeated = true;
    seen[hash >> 6] |= bit;
}

inline bool json_flat::read_key()
{
    str key;

    if (!find_string(&key) || !step_over(':'))
        return false;
    *out = json_make_str(key);
    note_key(out);
    out++;
    return true;
}

/* A number or a literal. */
bool json_flat::read_scalar(json_node *node)
{
    const char *p = base + *token;
    const char *behind;

    if (end - token < 2)
        return false;
    behind = token_end();
    token++;
    if (*p == '-' || is_digit(*p))
        return read_number(p, behind, node);
    *node = {};
    if (is_word(p, behind, "null", 4))
        return true;
    *node = json_make_bool(*p == 't');
    return is_word(p, behind, "true", 4) || is_word(p, behind, "false", 5);
}

bool json_flat::skip_element()
{
    json_node node;
    str s;

    return token < end && (base[*token] == '"' ? find_string(&s) : read_scalar(&node));
}

bool json_flat::read_array()
{
    uint32_t n = 0;

    token++;
    if (!step_over(']')) {
        do {
            if (!skip_element())
                return false;
            n++;
        } while (step_over(','));
        if (!step_over(']'))
            return false;
    }
    out->type = JSON_ARRAY;
    out->len = n;
    out->n_nodes = 1;
    out++;
    return true;
}

inline bool json_flat::read_value()
{
    str s;

    if (token == end)
        return false;
    if (base[*token] == '[')
        return read_array();
    if (base[*token] != '"')
        return read_scalar(out++);
    if (!find_string(&s))
        return false;
    *out++ = json_make_str(s);
    return true;
}

bool json_flat::read_members()
{
    if (!step_over('{'))
        return false;
    if (step_over('}'))
        return token == end;
    do {
        if (out == nodes + 1 + 2 * max_members || !read_key() || !read_value())
            return false;
    } while (step_over(','));
    return step_over('}') && token == end;
}

bool json_flat::begin(str text)
{
    if (text.len > max_text || text.len == 0 || memchr(text.ptr, '\\', text.len))
        return false;
    if (!finder && simdjson::get_active_implementation()->create_dom_parser_implementation(
                       max_text, 1, finder) != simdjson::SUCCESS) {
        finder.reset();
        return false;
    }
    return finder->stage1(reinterpret_cast<const uint8_t *>(text.ptr), text.len,
                          simdjson::stage1_mode::regular) == simdjson::SUCCESS;
}

const json_node *json_flat::read(str text, unsigned *notes)
{
    if (!begin(text))
        return nullptr;
    base = text.ptr;
    token = finder->structural_indexes.get();
    end = token + finder->n_structural_indexes;
    out = nodes + 1;
    repeated = false;
    memset(seen, 0, sizeof(seen));
    if (!read_members())
        return nullptr;
    nodes->type = JSON_OBJECT;
    nodes->len = static_cast<uint32_t>(out - nodes) / 2;
    nodes->n_nodes = static_cast<uint64_t>(out - nodes);
    *notes = repeated ? JSON_DUPLICATE_KEY : 0;
    return nodes;
}
