/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/topics.h"

#include "ttp/err.h"

#include <string.h>

static const struct {
    const char *pattern;
    bool ours;
} topics[BUS_N_TOPICS] = {
    [BUS_TAGGED] = {"ttp.tagged", true},
    [BUS_RULE_FIRED] = {"ttp.rule.fired.*", true},
    [BUS_RULE_SUPPRESSED] = {"ttp.rule.suppressed", true},
    [BUS_RULE_RELOADED] = {"ttp.rule.reloaded.*", true},
    [BUS_RULE_STATE] = {"ttp.rule.state.*", true},
    [BUS_SESSION_ENDED] = {"attacker.session.ended", false},
    [BUS_ATTACKER_OBSERVED] = {"attacker.observed", false},
    [BUS_INTEL_ENRICHED] = {"attacker.intel.enriched", false},
    [BUS_FINGERPRINTED] = {"attacker.fingerprinted", false},
    [BUS_IDENTITY_FORMED] = {"identity.formed", false},
    [BUS_IDENTITY_MERGED] = {"identity.merged", false},
    [BUS_CREDENTIAL_REUSE] = {"credential.reuse.detected", false},
    [BUS_EMAIL_RECEIVED] = {"email.received", false},
    [BUS_CANARY] = {"canary.>", false},
};

const char *bus_topic_pattern(bus_topic topic)
{
    return (unsigned)topic < BUS_N_TOPICS ? topics[topic].pattern : NULL;
}

bool bus_topic_is_ours(bus_topic topic)
{
    return (unsigned)topic < BUS_N_TOPICS && topics[topic].ours;
}

static bool is_token(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return s.len > 0;
}

int bus_topic_put(buf *b, bus_topic topic, str token)
{
    const char *pattern = bus_topic_pattern(topic);
    const char *place = pattern ? strchr(pattern, '*') : NULL;

    if (!pattern || !bus_topic_is_ours(topic) || (place != NULL) != (token.ptr != NULL))
        return TTP_E_INVALID;
    if (place && !is_token(token))
        return TTP_E_INVALID;
    if (!place) {
        buf_put_c(b, pattern);
        return 0;
    }
    buf_put(b, pattern, (size_t)(place - pattern));
    buf_put_str(b, token);
    return 0;
}
