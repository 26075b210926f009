# SPDX-License-Identifier: Apache-2.0
"""
The plain reading of rules and events: every rule is tried in turn, leaf by leaf, with nothing but what
Python brings along. Slow and obvious; it shares no idea with the engine it judges.

    rule = Rule(document)                   the rule's file as a Python value
    event = read_event(line)                one line of event JSON, bytes
    for tag in rule.tags(event, release)    dicts with the columns of a tag, created_at left out
    rule.explain(event)                     what `ttp explain --output json` says of it
"""
import functools
import hashlib
import ipaddress
import json
import re
import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, 'decnet:ttp_tag:v1')
FLOOR = 0.3
STRING_MAX = 16 << 10
ITEMS_MAX = 256
GROUPS_SHOWN = 99
DEFAULT_FIELDS = {
    'command': 'command_text', 'http_request': 'raw_url', 'email': 'subject', 'intel': 'verdict',
    'canary_fingerprint': 'ua_signature', 'auth_attempt': 'username', 'payload': 'payload_text',
    'identity': None, 'credential': None, 'session': None, 'http_fingerprint': None, 'ipv6_leak': None,
}
ABOUT_COMMAND = ('uid', 'user', 'src', 'pwd')
OPERATORS = ('pattern', 'equals', 'contains', 'startswith', 'endswith', 'in', 'gt', 'gte', 'lt', 'lte',
             'exists', 'cidr')
ANCHORS = ('attacker_uuid', 'identity_uuid', 'session_id', 'decky_id')
MISSING = object()


# ---- events ----

class Members(list):
    """An object: its members as they stand; of two with one key the last counts."""

    def get(self, key):
        found = MISSING
        for name, value in self:
            if name == key:
                found = value
        return found


def decode(data):
    """UTF-8 in which each bad byte reads as U+FFFD."""
    out = []
    while data:
        try:
            out.append(data.decode('utf-8'))
            break
        except UnicodeDecodeError as e:
            out.append(data[:e.start].decode('utf-8') + '\ufffd')
            data = data[e.start + 1:]
    return ''.join(out)


def whole_text(text):
    return re.sub('[\ud800-\udfff]', '\ufffd', text)


def clean(value):
    """No lone surrogates, and no integers beyond 64 bits, which read as doubles."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, Members):
        return Members((whole_text(k), clean(v)) for k, v in value)
    if isinstance(value, list):
        return [clean(v) for v in value]
    if type(value) is int and not -2**63 <= value < 2**64:
        return float(value)
    return value


def read_json(data):
    return clean(json.loads(decode(data), object_pairs_hook=Members))


def text_or_none(value):
    return value if isinstance(value, str) else None


class Event:
    def __init__(self, root):
        self.kind = root.get('source_kind')
        self.source_id = root.get('source_id')
        self.anchors = {name: text_or_none(root.get(name)) for name in ANCHORS}
        self.payload = root.get('payload')
        assert isinstance(self.kind, str) and isinstance(self.source_id, str)
        assert isinstance(self.payload, Members)


def read_event(line):
    return Event(read_json(line))


def flat(value):
    if isinstance(value, list) and not isinstance(value, Members):
        for item in value:
            yield from flat(item)
    else:
        yield value


def ends_of(node, path):
    """What a path leads to; lists on the way stand for their elements."""
    if isinstance(node, Members):
        value = node.get(path)
        if value is not MISSING:
            yield value
        elif '.' in path:
            word, rest = path.split('.', 1)
            value = node.get(word)
            if value is not MISSING:
                yield from ends_of(value, rest)
    elif isinstance(node, list):
        for item in node:
            yield from ends_of(item, path)


def values_of(payload, path):
    for end in ends_of(payload, path):
        yield from flat(end)


def member_at(node, path):
    """What evidence copies: a path through objects alone."""
    if not isinstance(node, Members):
        return MISSING
    value = node.get(path)
    if value is not MISSING or '.' not in path:
        return value
    word, rest = path.split('.', 1)
    return member_at(node.get(word), rest)


# ---- leaves ----

def fold_char(c):
    """Simple case folding: the statuses C and S of CaseFolding.txt."""
    folded = c.casefold()
    if len(folded) != 1:
        folded = c.lower()
    return folded if len(folded) == 1 else c


@functools.lru_cache(maxsize=4096)
def fold(text):
    return ''.join(map(fold_char, text))


def is_number(value):
    return type(value) in (int, float)


def equal(a, b):
    if is_number(a) and is_number(b):
        return a == b
    return type(a) is type(b) and a == b


def address(text):
    if '%' in text:
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def in_network(network, text):
    a = address(text)
    if a is None:
        return False
    if a.version == network.version:
        return a in network
    mapped = a.ipv4_mapped if a.version == 6 else None
    return mapped is not None and mapped in network


def compact(value):
    """A value of a rule as JSON, the way that explanations show it."""
    text = json.dumps(value, separators=(',', ':'), ensure_ascii=False)
    return re.sub('[\x7f\u2028\u2029]', lambda m: '\\u%04x' % ord(m.group()), text)


class Finder:
    """One text to look for; find gives the span, in characters, and the groups where there are any."""

    def __init__(self, op, text, ignore_case):
        self.op, self.n_groups, self.names = op, 0, {}
        self.fold = fold if ignore_case else str
        if op == 'pattern':
            self.regex = re.compile(text, re.IGNORECASE if ignore_case else 0)
            self.n_groups = self.regex.groups
            self.names = {number: name for name, number in self.regex.groupindex.items()}
        else:
            self.want = self.fold(text)

    def find(self, text):
        if self.op == 'pattern':
            m = self.regex.search(text)
            return m and (m.span(), [m.group(g + 1) for g in range(self.n_groups)])
        text = self.fold(text)
        n, size = len(self.want), len(text)
        if self.op == 'contains':
            at = text.find(self.want)
            return ((at, at + n), []) if at >= 0 else None
        if self.op == 'startswith':
            return ((0, n), []) if text.startswith(self.want) else None
        if self.op == 'endswith':
            return ((size - n, size), []) if text.endswith(self.want) else None
        return ((0, n), []) if text == self.want else None


class Leaf:
    def __init__(self, node):
        ops = [k for k in node if k in OPERATORS]
        assert len(ops) == 1
        self.op = ops[0]
        self.field = node.get('field')
        value = node[self.op]
        self.finders, self.values, self.networks = [], [], []
        self.value = value
        items = value if isinstance(value, list) else [value]
        if self.op in ('pattern', 'contains', 'startswith', 'endswith', 'equals', 'in'):
            self.finders = [Finder(self.op, v, node.get('ignore_case', False))
                            for v in items if isinstance(v, str)]
            self.values = [v for v in items if not isinstance(v, str)]
        elif self.op == 'cidr':
            self.networks = [ipaddress.ip_network(v, strict=False) for v in items]
        self.source = value if isinstance(value, str) else compact(value)

    def path(self, kind):
        return self.field if self.field is not None else DEFAULT_FIELDS.get(kind)

    def value_holds(self, value):
        if self.op in ('gt', 'gte', 'lt', 'lte'):
            if not is_number(value):
                return False
            a, b = float(value), float(self.value)
            return {'gt': a > b, 'gte': a >= b, 'lt': a < b, 'lte': a <= b}[self.op]
        if self.op == 'cidr':
            return isinstance(value, str) and any(in_network(n, value) for n in self.networks)
        if isinstance(value, str):
            return any(f.find(value) for f in self.finders)
        return any(equal(v, value) for v in self.values)

    def holds(self, event):
        path = self.path(event.kind)
        if self.op == 'exists':
            there = path is not None and any(v is not None for v in ends_of(event.payload, path))
            return there == self.value
        return path is not None and any(self.value_holds(v) for v in values_of(event.payload, path))

    def match(self, event):
        """(text, span, groups, finder) of the first text that one of its finders finds, or None."""
        path = self.path(event.kind)
        for value in values_of(event.payload, path) if path is not None else ():
            if isinstance(value, str):
                for finder in self.finders:
                    found = finder.find(value)
                    if found:
                        return (value, *found, finder)
        return None


# ---- rules ----

def cut(text):
    data = text.encode('utf-8')
    return text if len(data) <= STRING_MAX else data[:STRING_MAX].decode('utf-8', 'ignore')


def shown(value):
    """A value as evidence keeps it."""
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, Members):
        return Members((cut(k), shown(v)) for k, v in value[:ITEMS_MAX])
    if isinstance(value, list):
        return [shown(v) for v in value[:ITEMS_MAX]]
    return value


class Rule:
    def __init__(self, document):
        self.document = document
        self.id = document['rule_id']
        self.version = document['rule_version']
        kinds = document['applies_to']
        kinds = kinds if isinstance(kinds, list) else [kinds]
        self.kinds = {k['source_kind'] if isinstance(k, dict) else k for k in kinds}
        self.evidence_fields = document.get('evidence_fields', [])
        self.leaves = []
        self.is_lifter = 'kind' in document['match']
        self.match = None if self.is_lifter else self.read(document['match'])

    def read(self, node):
        for combiner in ('all', 'any'):
            if combiner in node:
                return combiner, [self.read(kid) for kid in node[combiner]]
        if 'not' in node:
            return 'not', [self.read(node['not'])]
        self.leaves.append(Leaf(node))
        return 'leaf', self.leaves[-1]

    def applies(self, event):
        return not self.is_lifter and event.kind in self.kinds and event.kind in DEFAULT_FIELDS

    def decide(self, expr, event):
        what, of = expr
        if what == 'leaf':
            return of.holds(event)
        if what == 'not':
            return not self.decide(of[0], event)
        return (all if what == 'all' else any)(self.decide(kid, event) for kid in of)

    def fires(self, event):
        return self.applies(event) and self.decide(self.match, event)

    def positive_leaves(self, expr):
        what, of = expr
        if what == 'leaf':
            yield of
        elif what != 'not':
            for kid in of:
                yield from self.positive_leaves(kid)

    def findings(self, event):
        tokens, groups, pattern = [], None, None
        for leaf in self.positive_leaves(self.match):
            if not leaf.holds(event):
                continue
            if pattern is None:
                pattern = leaf.source
            found = leaf.match(event)
            if not found:
                continue
            text, (start, end), texts, finder = found
            if text[start:end] not in tokens and len(tokens) < ITEMS_MAX:
                tokens.append(text[start:end])
            if groups is None and texts:
                groups = Members((finder.names.get(i + 1, str(i + 1)), g if g is None else cut(g))
                                 for i, g in enumerate(texts[:GROUPS_SHOWN]))
        return [cut(t) for t in tokens], groups or Members(), pattern

    def evidence(self, event):
        wants = self.evidence_fields
        special = ('matched_tokens', 'matched_groups', 'rule_pattern')
        out = Members()
        for name in wants:
            value = member_at(event.payload, name)
            if name not in special and value is not MISSING:
                out.append((name, shown(value)))
        for name in ABOUT_COMMAND if event.kind == 'command' else ():
            value = event.payload.get(name)
            if name not in wants and value is not MISSING:
                out.append((name, shown(value)))
        if not any(name in special for name in wants):
            return out
        tokens, groups, pattern = self.findings(event)
        if 'matched_tokens' in wants:
            out.append(('matched_tokens', tokens))
        if 'matched_groups' in wants:
            out.append(('matched_groups', groups))
        if 'rule_pattern' in wants and pattern is not None:
            out.append(('rule_pattern', cut(pattern)))
        return out

    def tags(self, event, release):
        if not self.fires(event):
            return
        if event.anchors['attacker_uuid'] is None and event.anchors['identity_uuid'] is None:
            return
        evidence = None
        for emit in self.document['emits']:
            confidence = float(emit.get('confidence', 0.5))
            if confidence < FLOOR:
                continue
            if evidence is None:
                evidence = self.evidence(event)
            technique, sub = emit.get('technique_id'), emit.get('sub_technique_id')
            sub = sub or (technique if '.' in technique else None)
            technique = (technique or sub).split('.')[0]
            yield {
                'uuid': self.tag_id(event, technique, sub or ''),
                'source_kind': event.kind, 'source_id': event.source_id, **event.anchors,
                'tactic': emit['tactic'], 'technique_id': technique, 'sub_technique_id': sub,
                'confidence': confidence, 'rule_id': self.id, 'rule_version': self.version,
                'evidence': evidence,
                'attack_release': self.document.get('attack_release', release),
                'mitre_url': 'https://attack.mitre.org/techniques/' + (sub or technique).replace('.', '/'),
            }

    def tag_id(self, event, technique, sub):
        name = '|'.join((event.kind, event.source_id, self.id, str(self.version), technique, sub))
        digest = bytearray(hashlib.sha1(NAMESPACE.bytes + name.encode('utf-8')).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        return str(uuid.UUID(bytes=bytes(digest)))

    def explain(self, event):
        leaves = []
        for leaf in self.leaves:
            found = leaf.match(event)
            start = end = None
            if found:
                text, span, _, _ = found
                start, end = (len(text[:at].encode('utf-8')) for at in span)
            leaves.append({'leaf': leaf.op + ' ' + leaf.source, 'held': leaf.holds(event),
                           'field': leaf.path(event.kind), 'start': start, 'end': end})
        return {'rule_id': self.id, 'fired': self.fires(event), 'leaves': leaves}
