/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_flat.h"

#include <charconv>
#include <cstring>
#include <new>

namespace
{

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

/* Four hexadecimal digits, or -1. */
int read_hex4(const char *p)
{
    int value = 0;

    for (unsigned i = 0; i < 4; i++) {
        char c = p[i], letter = static_cast<char>(c | 0x20);

        if (is_digit(c))
            value = value * 16 + (c - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value * 16 + (letter - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* U+0001 to U+FFFF but surrogates, in UTF-8; returns the bytes. */
inline unsigned put_utf8(char *out, unsigned cp)
{
    if (cp < 0x80) {
        out[0] = static_cast<char>(cp);
        return 1;
    }
    if (cp < 0x800) {
        out[0] = static_cast<char>(0xC0 | cp >> 6);
        out[1] = static_cast<char>(0x80 | (cp & 0x3F));
        return 2;
    }
    out[0] = static_cast<char>(0xE0 | cp >> 12);
    out[1] = static_cast<char>(0x80 | (cp >> 6 & 0x3F));
    out[2] = static_cast<char>(0x80 | (cp & 0x3F));
    return 3;
}

/* What stands for a backslash and c, or 0. */
inline char escaped_char(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/*
 * The escape at p, a backslash, to out, and past it. 0 for one that is not well-formed, and for
 * U+0000 and surrogates, of which json_parse tells.
 */
unsigned put_escape(char *out, const char **p, const char *end)
{
    int cp;

    if (end - *p < 2)
        return 0;
    if ((*p)[1] != 'u') {
        out[0] = escaped_char((*p)[1]);
        *p += 2;
        return out[0] ? 1 : 0;
    }
    if (end - *p < 6)
        return 0;
    cp = read_hex4(*p + 2);
    if (cp <= 0 || (cp >= 0xD800 && cp <= 0xDFFF))
        return 0;
    *p += 6;
    return put_utf8(out, static_cast<unsigned>(cp));
}

constexpr size_t copy_step = 16;

/*
 * Copy up to the first backslash; returns how many bytes that were, at most n. So many bytes as
 * copy_step can be read and written behind n.
 */
inline size_t copy_to_slash(char *out, const char *p, size_t n)
{
#if defined(__SSE2__)
    const __m128i slashes = _mm_set1_epi8('\\');

    for (size_t i = 0; i < n; i += copy_step) {
        __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p + i));
        int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(v, slashes));

        _mm_storeu_si128(reinterpret_cast<__m128i *>(out + i), v);
        if (mask) {
            i += static_cast<unsigned>(__builtin_ctz(static_cast<unsigned>(mask)));
            return i < n ? i : n;
        }
    }
    return n;
#else
    const void *slash = memchr(p, '\\', n);

    n = slash ? static_cast<size_t>(static_cast<const char *>(slash) - p) : n;
    memcpy(out, p, n);
    return n;
#endif
}

} // namespace

/* Where the token at t ends: white space before the next one, of which there is one, is not its. */
inline const char *json_flat::token_end(const uint32_t *t) const
{
    const char *p = base + t[1];

    while (p[-1] == ' ' || p[-1] == '\t' || p[-1] == '\n' || p[-1] == '\r')
        p--;
    return p;
}

/* The string without its escapes, of which none is shorter than what it stands for. */
bool json_flat::unescape(str *s)
{
    const char *p = s->ptr;
    const char *last = p + s->len;
    char *to;

    if (!room) {
        room = static_cast<char *>(arena_alloc(mem, text_len + copy_step));
        room_left = room ? text_len : 0;
    }
    if (!room || s->len > room_left)
        return false;
    to = room;
    while (p < last) {
        size_t plain = copy_to_slash(to, p, static_cast<size_t>(last - p));
        unsigned n;

        to += plain;
        p += plain;
        if (p == last)
            break;
        n = put_escape(to, &p, last);
        if (!n)
            return false;
        to += n;
    }
    *s = {room, static_cast<size_t>(to - room)};
    room += s->len;
    room_left -= s->len;
    return true;
}

/*
 * The string at t. The quote that closes is the last byte before the next token but for white
 * space: were there one before it, a token would begin between them.
 */
inline bool json_flat::find_string(const uint32_t *t, str *ret)
{
    const char *p = base + *t + 1;
    const char *last = token_end(t) - 1;

    if (last < p || *last != '"')
        return false;
    *ret = {p, static_cast<size_t>(last - p)};
    return !has_escapes || !memchr(p, '\\', ret->len) || unescape(ret);
}

/* A key that did not come at this place before. */
const json_keys::place *json_flat::learn_key(const uint32_t *t, const json_keys::place *at)
{
    str key;

    if (has_escapes && memchr(base + *t, '\\', t[1] - *t))
        return nullptr;
    return find_string(t, &key) ? keys.add(at, key) : nullptr;
}

inline const json_keys::place *json_flat::read_key(const uint32_t *t, const json_keys::place *at)
{
    const json_keys::place *key;

    if (base[*t] != '"' || base[t[1]] != ':')
        return nullptr;
    key = keys.find(at, base + *t + 1);
    return key ? key : learn_key(t, at);
}

/* A number or a literal. */
bool json_flat::read_scalar(const uint32_t *t, json_node *node) const
{
    const char *p = base + *t;
    const char *behind = token_end(t);

    if (*p == '-' || is_digit(*p))
        return read_number(p, behind, node);
    *node = {};
    if (is_word(p, behind, "null", 4))
        return true;
    *node = json_make_bool(*p == 't');
    return is_word(p, behind, "true", 4) || is_word(p, behind, "false", 5);
}

bool json_flat::check_element(const uint32_t *t)
{
    json_node node;
    str s;

    return base[*t] == '"' ? find_string(t, &s) : read_scalar(t, &node);
}

/* Each of these returns where it goes on, at a token; nullptr where it refuses. */

const uint32_t *json_flat::read_array(const uint32_t *t, json_node *node)
{
    uint32_t n = 0;

    if (end - t > 1 && base[t[1]] == ']') {
        t++;
    } else {
        do {
            t++; /* from the bracket or comma */
            if (end - t < 2 || !check_element(t))
                return nullptr;
            t++;
            n++;
        } while (base[*t] == ',');
        if (base[*t] != ']')
            return nullptr;
    }
    *node = {};
    node->type = JSON_ARRAY;
    node->len = n;
    node->n_nodes = 1;
    return t + 1 < end ? t + 1 : nullptr;
}

/* There is a token behind the one at t. */
inline const uint32_t *json_flat::read_value(const uint32_t *t, json_node *node)
{
    str s;

    if (base[*t] == '[')
        return read_array(t, node);
    if (base[*t] != '"')
        return read_scalar(t, node) ? t + 1 : nullptr;
    if (!find_string(t, &s))
        return nullptr;
    *node = json_make_str(s);
    return t + 1;
}

/* The members to nodes; returns the place of the brace that closes. */
const uint32_t *json_flat::read_members(const uint32_t *t, const json_keys::place *key)
{
    json_node *to = nodes + 1;

    out = to;
    if (end - t < 2 || base[*t] != '{')
        return nullptr;
    if (base[t[1]] == '}')
        return t + 1;
    do {
        const char *name;

        t++;             /* from the brace or comma */
        if (end - t < 4) /* key, colon, value, and what is behind it */
            return nullptr;
        name = base + *t + 1;
        key = read_key(t, key);
        if (!key)
            return nullptr;
        t = read_value(t + 2, to + 1);
        if (!t)
            return nullptr;
        is_repeated |= key->is_repeated;
        if (key->name == JSON_NAME_DROP)
            continue;
        *to = json_make_str({name, key->len});
        to->name = key->name;
        key = keys.turn(key, json_str(to + 1));
        to += 2;
    } while (base[*t] == ',');
    out = to;
    return base[*t] == '}' ? t : nullptr;
}

bool json_flat::mark(str text)
{
    if (text.len > max_text || text.len == 0)
        return false;
    if (!finder && simdjson::get_active_implementation()->create_dom_parser_implementation(
                       max_text, 1, finder) != simdjson::SUCCESS) {
        finder.reset();
        return false;
    }
    if (finder->stage1(reinterpret_cast<const uint8_t *>(text.ptr), text.len,
                       simdjson::stage1_mode::regular) != simdjson::SUCCESS)
        return false;
    next = finder->structural_indexes.get();
    end = next + finder->n_structural_indexes;
    return true;
}

void json_flat::begin_run(str texts)
{
    run = mark(texts) ? texts : str{nullptr, 0}; /* without one each text is marked by itself */
}

void json_flat::end_run()
{
    run.ptr = nullptr;
}

/* To the first token of the text. */
bool json_flat::seek(str text)
{
    bool in_run = run.ptr && text.ptr >= run.ptr && text.ptr + text.len <= run.ptr + run.len;

    if (!in_run) {
        run.ptr = nullptr; /* its tokens are written over */
        if (!mark(text))
            return false;
    }
    base = in_run ? run.ptr : text.ptr;
    while (next < end && base + *next < text.ptr)
        next++;
    return true;
}

const json_node *json_flat::read(str text, json_name_key *name, arena *to, unsigned *notes)
{
    size_t size;
    void *block;

    const json_keys::place *root = keys.begin(name);
    const uint32_t *last;

    if (!root || text.len == 0 || !seek(text))
        return nullptr;
    mem = to;
    room = nullptr;
    text_len = text.len;
    has_escapes = memchr(text.ptr, '\\', text.len);
    is_repeated = false;
    last = read_members(next, root);
    /* is that brace its own, and its last token? */
    if (!last || base + *last >= text.ptr + text.len ||
        (last + 1 < end && base + last[1] < text.ptr + text.len))
        return nullptr;
    next = last + 1;
    nodes->type = JSON_OBJECT;
    nodes->len = static_cast<uint32_t>(out - nodes) / 2;
    nodes->n_nodes = static_cast<uint64_t>(out - nodes);
    size = static_cast<size_t>(out - nodes) * sizeof(*nodes);
    block = arena_alloc(to, size);
    if (!block)
        return nullptr;
    *notes = is_repeated ? JSON_DUPLICATE_KEY : 0;
    return static_cast<const json_node *>(memcpy(block, nodes, size));
}
