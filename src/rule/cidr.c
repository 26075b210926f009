/* SPDX-License-Identifier: Apache-2.0 */
/* Networks and addresses, IPv4 and IPv6, without names, ports or zones. */
#include "rule/reading.h"

#include <arpa/inet.h>

static bool read_address(str text, bool *ret_v6, uint8_t addr[16])
{
    char copy[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *ret_v6 = memchr(text.ptr, ':', text.len) != NULL;
    return inet_pton(*ret_v6 ? AF_INET6 : AF_INET, copy, addr) == 1;
}

static bool read_prefix_len(str text, unsigned max, uint8_t *ret_len)
{
    unsigned v = 0;

    if (text.len == 0 || text.len > 3)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        v = v * 10 + (unsigned)(text.ptr[i] - '0');
    }
    *ret_len = (uint8_t)v;
    return v <= max;
}

/* The bits of byte i that a network of len bits fixes. */
static uint8_t fixed_bits(unsigned len, unsigned i)
{
    if (len >= 8 * (i + 1))
        return 0xff;
    return len <= 8 * i ? 0 : (uint8_t)(0xff << (8 - (len - 8 * i)));
}

bool cidr_parse(str text, leaf_cidr *ret_cidr, bool *ret_had_host_bits)
{
    const char *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
    str address = slash ? (str){text.ptr, (size_t)(slash - text.ptr)} : text;
    leaf_cidr c = {0};

    if (!read_address(address, &c.v6, c.addr))
        return false;
    c.prefix_len = c.v6 ? 128 : 32;
    if (slash &&
        !read_prefix_len((str){slash + 1, text.len - address.len - 1}, c.prefix_len, &c.prefix_len))
        return false;
    *ret_had_host_bits = false;
    for (unsigned i = 0; i < sizeof(c.addr); i++) {
        uint8_t kept = c.addr[i] & fixed_bits(c.prefix_len, i);

        *ret_had_host_bits = *ret_had_host_bits || kept != c.addr[i];
        c.addr[i] = kept;
    }
    *ret_cidr = c;
    return true;
}

static bool in_network(const leaf_cidr *c, const uint8_t *addr)
{
    for (unsigned i = 0; i < (c->v6 ? 16 : 4); i++) {
        if ((addr[i] & fixed_bits(c->prefix_len, i)) != c->addr[i])
            return false;
    }
    return true;
}

bool cidr_holds(const leaf_cidr *c, str address)
{
    static const uint8_t mapped[12] = {
        [10] = 0xff, [11] = 0xff}; /* ::ffff:1.2.3.4 is 1.2.3.4, too */
    uint8_t addr[16];
    bool v6;

    if (!read_address(address, &v6, addr))
        return false;
    if (v6 == c->v6)
        return in_network(c, addr);
    return v6 && memcmp(addr, mapped, sizeof(mapped)) == 0 && in_network(c, addr + 12);
}
