/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simdjson behind a C face: its tape becomes our flat run of nodes in one pass. The strings stay
 * where simdjson unescaped them.
 *
 * What simdjson refuses and Python's json reads (bad UTF-8, lone surrogates, integers beyond 64
 * bits) is repaired by json_repair and parsed once more, so that no event is lost over it.
 */
#include <simdjson.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

extern "C" {
#include "base/err.h"
#include "base/json.h"
#include "base/json_repair.h"
#include "base/limits.h"
}
#include "base/json_flat.h"

#define TEXT_OF_TOKENS(t) #t
#define TEXT_OF(macro) TEXT_OF_TOKENS(macro)

using simdjson::error_code;
using simdjson::internal::tape_type;

namespace
{

/* a parser grown beyond this is given back as soon as an ordinary document comes */
constexpr size_t keep_capacity = 4u << 20;
constexpr size_t first_capacity = 16u << 10;
/* objects up to this size are checked for duplicate keys with a filter, larger ones by sorting */
constexpr uint32_t filter_max_members = 64;

constexpr unsigned filter_bits = 9;

struct key_filter {
    uint64_t bits[(1u << filter_bits) / 64];
};

struct open_container {
    json_node *node;
    bool is_object;
    bool filtered;
    key_filter seen;
};

/* A key gives its first and last bytes, which overlap where it is short. */
inline uint64_t hash_key_bytes(const char *p, size_t len)
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
        head = static_cast<unsigned char>(p[0]) | static_cast<unsigned char>(p[len / 2]) << 8 |
               static_cast<unsigned char>(p[len - 1]) << 16;
    }
    head = (head ^ (tail * 0xC2B2AE3D27D4EB4Fu) ^ len) * 0x9E3779B97F4A7C15u;
    return head >> (64 - filter_bits);
}

bool has_key_before(const json_node *object, const json_node *key)
{
    const json_node *n = object + 1;

    while (n < key) {
        if (n->len == key->len && memcmp(n->str, key->str, key->len) == 0)
            return true;
        n = json_next(n + 1);
    }
    return false;
}

int compare_keys(const void *a, const void *b)
{
    return str_cmp(json_str(*static_cast<json_node *const *>(a)),
                   json_str(*static_cast<json_node *const *>(b)));
}

} // namespace

struct json_doc {
    simdjson::dom::parser parser;
    json_flat flat;
    json_node *nodes = nullptr;
    size_t cap_nodes = 0;
    buf copy = {}; /* padded copy of an unpadded or repaired text */
    buf repaired = {};
    json_node **keys = nullptr; /* scratch for duplicate keys of large objects */
    size_t cap_keys = 0;
    open_container stack[JSON_DEPTH_MAX + 1];

    ~json_doc()
    {
        free(nodes);
        free(keys);
        buf_done(&copy);
        buf_done(&repaired);
    }
};

namespace
{

/* Large objects: sort the keys and compare neighbours, so that 10,000 of them cost no square. */
int note_duplicates_sorted(json_doc *doc, json_node *object, unsigned *notes)
{
    json_node *n = object + 1;

    if (mem_grow(doc->keys, doc->cap_keys, object->len))
        return -ENOMEM;
    for (uint32_t i = 0; i < object->len; i++) {
        doc->keys[i] = n;
        n = const_cast<json_node *>(json_next(n + 1));
    }
    qsort(doc->keys, object->len, sizeof(*doc->keys), compare_keys);
    for (uint32_t i = 1; i < object->len; i++) {
        if (compare_keys(&doc->keys[i - 1], &doc->keys[i]) == 0)
            *notes |= JSON_DUPLICATE_KEY;
    }
    return 0;
}

struct tape_reader {
    json_doc *doc;
    const uint64_t *tape;
    const char *strings;
    json_node *out;
    unsigned depth = 0;
    bool at_key = false;
    unsigned notes = 0;

    void put_string(uint64_t word)
    {
        const char *p = strings + (word & simdjson::internal::JSON_VALUE_MASK);
        uint32_t len;

        memcpy(&len, p, sizeof(len));
        out->type = JSON_STRING;
        out->name = JSON_NAME_NONE;
        out->len = len;
        out->str = p + sizeof(len);
        if (at_key)
            note_key();
        out++;
    }

    void note_key()
    {
        open_container *top = &doc->stack[depth];
        uint64_t hash, bit;

        if (!top->filtered)
            return;
        hash = hash_key_bytes(out->str, out->len);
        bit = 1ull << (hash & 63);
        if ((top->seen.bits[hash >> 6] & bit) && has_key_before(top->node, out))
            notes |= JSON_DUPLICATE_KEY;
        top->seen.bits[hash >> 6] |= bit;
    }

    void open(bool is_object, uint32_t count)
    {
        open_container *top = &doc->stack[++depth];

        out->type = is_object ? JSON_OBJECT : JSON_ARRAY;
        out->len = count;
        top->node = out++;
        top->is_object = is_object;
        top->filtered = is_object && count > 1 && count <= filter_max_members;
        if (top->filtered)
            memset(&top->seen, 0, sizeof(top->seen));
    }

    /* simdjson's own count saturates at 2^24, so containers that may have are counted again */
    int close()
    {
        json_node *node = doc->stack[depth].node;

        node->n_nodes = static_cast<uint64_t>(out - node);
        if (node->len == 0xFFFFFF) {
            node->len = 0;
            for (const json_node *n = node + 1; n < out; n = json_next(n))
                node->len++;
            if (node->type == JSON_OBJECT)
                node->len /= 2;
        }
        depth--;
        if (node->type == JSON_OBJECT && node->len > filter_max_members)
            return note_duplicates_sorted(doc, node, &notes);
        return 0;
    }

    /* One value or key at tape[i]; returns how many words it took, or a negative error. */
    int step(size_t i)
    {
        uint64_t word = tape[i];

        switch (static_cast<tape_type>(word >> 56)) {
        case tape_type::START_OBJECT:
        case tape_type::START_ARRAY:
            open(static_cast<tape_type>(word >> 56) == tape_type::START_OBJECT,
                 static_cast<uint32_t>(word >> 32) & simdjson::internal::JSON_COUNT_MASK);
            return 1;
        case tape_type::END_OBJECT:
        case tape_type::END_ARRAY:
            return close() ? -ENOMEM : 1;
        case tape_type::STRING:
            put_string(word);
            return 1;
        case tape_type::INT64:
            *out++ = json_make_int(static_cast<int64_t>(tape[i + 1]));
            return 2;
        case tape_type::UINT64:
            out->type = JSON_UINT;
            out->len = 0;
            out->u = tape[i + 1];
            out++;
            return 2;
        case tape_type::DOUBLE:
            out->type = JSON_DOUBLE;
            out->len = 0;
            memcpy(&out->f, &tape[i + 1], sizeof(out->f));
            out++;
            return 2;
        case tape_type::TRUE_VALUE:
        case tape_type::FALSE_VALUE:
            *out++ = json_make_bool(static_cast<tape_type>(word >> 56) == tape_type::TRUE_VALUE);
            return 1;
        default:
            out->type = JSON_NULL;
            out->len = 0;
            out->n_nodes = 0;
            out++;
            return 1;
        }
    }

    int read(size_t n_words)
    {
        size_t i = 1;

        while (i < n_words) {
            tape_type type = static_cast<tape_type>(tape[i] >> 56);
            bool in_object = depth > 0 && doc->stack[depth].is_object;
            bool ends = type == tape_type::END_OBJECT || type == tape_type::END_ARRAY;
            int words;

            /* in an object keys and values alternate; a value that closes turns back to a key */
            at_key = in_object && !ends && expect_key[depth];
            if (in_object && !ends)
                expect_key[depth] = !expect_key[depth];
            words = step(i);
            if (words < 0)
                return words;
            if (!ends && (type == tape_type::START_OBJECT || type == tape_type::START_ARRAY))
                expect_key[depth] = true;
            i += static_cast<size_t>(words);
        }
        return 0;
    }

    bool expect_key[JSON_DEPTH_MAX + 2] = {};
};

int convert(json_doc *doc, size_t max_nodes, const json_node **ret_root, unsigned *notes,
            ttp_err *err)
{
    const uint64_t *tape = doc->parser.doc.tape.get();
    size_t n_words = static_cast<uint32_t>(tape[0] & simdjson::internal::JSON_VALUE_MASK) - 1;
    tape_reader reader = {};

    if (n_words > max_nodes * 2 + 2) /* a number takes two words, a container two */
        return err_set(err, TTP_E_LIMIT, NULL, "the document holds more than %zu values",
                       max_nodes);
    if (mem_grow(doc->nodes, doc->cap_nodes, n_words))
        return err_set(err, -ENOMEM, NULL, "out of memory");
    reader.doc = doc;
    reader.tape = tape;
    reader.strings = reinterpret_cast<const char *>(doc->parser.doc.string_buf.get());
    reader.out = doc->nodes;
    if (reader.read(n_words))
        return err_set(err, -ENOMEM, NULL, "out of memory");
    if (static_cast<size_t>(reader.out - doc->nodes) > max_nodes)
        return err_set(err, TTP_E_LIMIT, NULL, "the document holds more than %zu values",
                       max_nodes);
    *notes |= reader.notes;
    *ret_root = doc->nodes;
    return 0;
}

bool holds_nul_escape(str text)
{
    const char *p = text.ptr;
    const char *end = p + text.len;

    while ((p = static_cast<const char *>(memchr(p, '\\', static_cast<size_t>(end - p))))) {
        if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0)
            return true;
        p += end - p >= 2 ? 2 : 1;
    }
    return false;
}

/* Gives back what one huge document made grow; simdjson itself never shrinks. */
void give_back(json_doc *doc, size_t len)
{
    if (doc->parser.capacity() <= keep_capacity || len >= keep_capacity / 4)
        return;
    doc->parser = simdjson::dom::parser();
    free(doc->nodes);
    doc->nodes = nullptr;
    doc->cap_nodes = 0;
    buf_done(&doc->copy);
    buf_done(&doc->repaired);
}

int ensure_capacity(json_doc *doc, size_t len)
{
    size_t want = len < first_capacity ? first_capacity : len;

    if (doc->parser.capacity() >= want && doc->parser.max_depth() == JSON_DEPTH_MAX)
        return 0;
    return doc->parser.allocate(want, JSON_DEPTH_MAX) == simdjson::SUCCESS ? 0 : -ENOMEM;
}

error_code parse_once(json_doc *doc, str text)
{
    if (ensure_capacity(doc, text.len))
        return simdjson::MEMALLOC;
    return doc->parser.parse(reinterpret_cast<const uint8_t *>(text.ptr), text.len, false).error();
}

const char *explain(error_code code)
{
    switch (code) {
    case simdjson::EMPTY:
        return "nothing here; expected a JSON value";
    case simdjson::STRING_ERROR:
        return "a string is not well-formed (an unknown escape)";
    case simdjson::UNESCAPED_CHARS:
        return "a string holds an unescaped control character";
    case simdjson::UNCLOSED_STRING:
        return "a string has no closing quote";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
        return "an unknown word; expected true, false or null";
    case simdjson::NUMBER_ERROR:
        return "a number is not well-formed or out of range";
    case simdjson::UTF8_ERROR:
        return "not valid UTF-8";
    default:
        return "not well-formed JSON, or something stands behind its end";
    }
}

int fail(error_code code, ttp_err *err)
{
    if (code == simdjson::MEMALLOC)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    if (code == simdjson::DEPTH_ERROR)
        return err_set(err, TTP_E_LIMIT, NULL, "nested deeper than %d levels", JSON_DEPTH_MAX);
    if (code == simdjson::CAPACITY)
        return err_set(err, TTP_E_LIMIT, NULL, "longer than a JSON document may be");
    return err_set(err, TTP_E_SYNTAX, NULL, "%s", explain(code));
}

/* text is padded */
int parse_padded(json_doc *doc, str text, size_t max_nodes, const json_node **ret_root,
                 unsigned *ret_notes, ttp_err *err)
{
    unsigned notes = 0;
    error_code code = parse_once(doc, text);
    int rc;

    if (code == simdjson::UTF8_ERROR || code == simdjson::STRING_ERROR ||
        code == simdjson::NUMBER_ERROR) {
        buf_clear(&doc->repaired);
        notes = json_repair(text, &doc->repaired);
        text = buf_str(&doc->repaired);
        buf_put(&doc->repaired,
                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                JSON_PADDING);
        if (doc->repaired.failed)
            return err_set(err, -ENOMEM, NULL, "out of memory");
        text.ptr = doc->repaired.ptr;
        code = parse_once(doc, text);
    }
    if (code != simdjson::SUCCESS)
        return fail(code, err);
    rc = convert(doc, max_nodes, ret_root, &notes, err);
    if (rc)
        return rc;
    if (holds_nul_escape(text))
        notes |= JSON_NUL_CHAR;
    if (ret_notes)
        *ret_notes = notes;
    return 0;
}

} // namespace

extern "C" {

json_doc *json_doc_new(void)
{
    return new (std::nothrow) json_doc;
}

json_doc *json_doc_free(json_doc *doc)
{
    delete doc;
    return nullptr;
}

int json_parse(json_doc *doc, str text, const json_node **ret_root, unsigned *ret_notes,
               ttp_err *err)
{
    if (text.len > TTP_EVENT_MAX)
        return err_set(err, TTP_E_LIMIT, NULL, "longer than %u bytes", TTP_EVENT_MAX);
    give_back(doc, text.len);
    return parse_padded(doc, text, JSON_NODES_MAX, ret_root, ret_notes, err);
}

int json_parse_into(json_doc *doc, str text, json_name_key *name, arena *mem,
                    const json_node **ret_root, unsigned *ret_notes, ttp_err *err)
{
    const json_node *root = name ? doc->flat.read(text, name, mem, ret_notes) : nullptr;
    void *block;
    int rc;

    if (root) {
        *ret_root = root;
        return 0;
    }
    rc = json_parse(doc, text, &root, ret_notes, err);
    if (rc)
        return rc;
    block = arena_alloc(mem, json_copy_size(root));
    if (!block)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    *ret_root = json_copy(root, block);
    return 0;
}

void json_begin_run(json_doc *doc, str texts)
{
    doc->flat.begin_run(texts);
}

void json_end_run(json_doc *doc)
{
    doc->flat.end_run();
}

int json_parse_copy(json_doc *doc, str text, size_t max_len, const json_node **ret_root,
                    unsigned *ret_notes, ttp_err *err)
{
    if (text.len > max_len)
        return err_set(err, TTP_E_LIMIT, NULL, "longer than %zu bytes", max_len);
    give_back(doc, text.len);
    buf_clear(&doc->copy);
    if (mem_grow(doc->copy.ptr, doc->copy.cap, text.len + JSON_PADDING))
        return err_set(err, -ENOMEM, NULL, "out of memory");
    buf_put_str(&doc->copy, text);
    memset(doc->copy.ptr + text.len, 0, JSON_PADDING);
    return parse_padded(doc, {doc->copy.ptr, text.len}, SIZE_MAX / 64, ret_root, ret_notes, err);
}

const char *json_library_version(void)
{
    return TEXT_OF(SIMDJSON_VERSION);
}

} /* extern "C" */
