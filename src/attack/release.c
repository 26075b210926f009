/* SPDX-License-Identifier: Apache-2.0 */
#include "attack/release.h"

#include <stdio.h>

static const struct {
    const char *name, *stix_name;
} domains[ATTACK_N_DOMAINS] = {
    {"enterprise", "enterprise-attack"},
    {"mobile", "mobile-attack"},
    {"ics", "ics-attack"},
};

const char *attack_domain_name(attack_domain domain)
{
    return domains[domain].name;
}

const char *attack_domain_stix_name(attack_domain domain)
{
    return domains[domain].stix_name;
}

static str skip(str s, size_t n)
{
    return (str){s.ptr + n, s.len - n};
}

/* Takes a leading "enterprise-" off *text. */
static attack_domain read_domain(str *text)
{
    for (attack_domain d = 0; d < ATTACK_N_DOMAINS; d++) {
        str name = str_from(domains[d].name);

        if (str_starts(*text, name) && text->len > name.len && text->ptr[name.len] == '-') {
            *text = skip(*text, name.len + 1);
            return d;
        }
    }
    return ATTACK_N_DOMAINS;
}

/* Digits with single dots between them. */
static bool is_version(str s)
{
    bool digit = false;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '.' && !digit)
            return false;
        digit = s.ptr[i] >= '0' && s.ptr[i] <= '9';
        if (!digit && s.ptr[i] != '.')
            return false;
    }
    return digit;
}

bool attack_release_parse(str text, attack_release_name *ret_release)
{
    attack_domain domain = read_domain(&text);

    if (text.len > 0 && text.ptr[0] == 'v')
        text = skip(text, 1);
    if (!is_version(text) || text.len >= sizeof(ret_release->version))
        return false;
    ret_release->domain = domain;
    memcpy(ret_release->version, text.ptr, text.len);
    ret_release->version[text.len] = '\0';
    return true;
}

size_t attack_release_format(const attack_release_name *release, char out[64])
{
    return (size_t)snprintf(out, 64, "%s-v%s", domains[release->domain].name, release->version);
}
