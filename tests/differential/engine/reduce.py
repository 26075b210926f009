# SPDX-License-Identifier: Apache-2.0
"""Makes a disagreement small: fewer events and rules first, then less of each."""
import json
import time

from reference import read_event

SECONDS_MAX = 60


class Reducer:
    def __init__(self, documents, lines, fails):
        self.documents, self.lines = documents, lines
        self.fails, self.end = fails, time.monotonic() + SECONDS_MAX

    def still(self, documents, lines):
        """Keeps the smaller case where it fails, too."""
        if self.is_over() or not documents or not lines or not self.fails((documents, lines)):
            return False
        self.documents, self.lines = documents, lines
        return True

    def is_over(self):
        return time.monotonic() > self.end

    def narrow(self, found):
        """The event and the rule that were named, alone if that suffices."""
        _, source_id, rule_id = found
        lines = [line for line in self.lines if read_event(line).source_id == source_id]
        documents = [d for d in self.documents if d['rule_id'] == rule_id]
        if not self.still(documents, lines):
            self.still(self.documents, lines) or self.still(documents, self.lines)

    def drop_items(self, get, put):
        """Leaves out ever smaller runs of a list."""
        size = max(1, len(get()) // 2)
        while size:
            at = 0
            while at < len(get()) and not self.is_over():
                shorter = get()[:at] + get()[at + size:]
                if not put(shorter):
                    at += size
            size //= 2

    def drop_lines(self):
        self.drop_items(lambda: self.lines, lambda lines: self.still(self.documents, lines))

    def drop_rules(self):
        self.drop_items(lambda: self.documents, lambda documents: self.still(documents, self.lines))

    def shrink_rule(self, i):
        progress = True
        while progress and not self.is_over():
            progress = any(self.still(self.documents[:i] + [smaller] + self.documents[i + 1:], self.lines)
                           for smaller in smaller_documents(self.documents[i]))

    def shrink_line(self, i):
        def put(line):
            return self.still(self.documents, self.lines[:i] + [line] + self.lines[i + 1:])
        self.drop_items(lambda: self.lines[i], put)


def smaller_texts(text):
    for size in (len(text) // 2, len(text) // 4, 1):
        for at in range(0, len(text), size) if size else ():
            yield text[:at] + text[at + size:]
            if len(text) > 60 and at // size > 8:
                break


def smaller_values(value):
    """One step smaller: a part in place of the whole, or one part less, or one part smaller."""
    if isinstance(value, dict):
        for kids in value.values():
            if isinstance(kids, dict):
                yield kids
            elif isinstance(kids, list):
                yield from (kid for kid in kids if isinstance(kid, dict))
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
        for key in value:
            yield from ({**value, key: v} for v in smaller_values(value[key]))
    elif isinstance(value, list):
        for i in range(len(value)):
            yield value[:i] + value[i + 1:]
        for i in range(len(value)):
            yield from (value[:i] + [v] + value[i + 1:] for v in smaller_values(value[i]))
    elif isinstance(value, str):
        yield from smaller_texts(value)


def smaller_documents(document):
    for key in ('evidence_fields', 'attack_release'):
        if key in document:
            yield {k: v for k, v in document.items() if k != key}
    for key in ('match', 'emits', 'applies_to', 'evidence_fields'):
        if key in document:
            yield from ({**document, key: v} for v in smaller_values(document[key]))


def reduce(documents, lines, found, fails):
    r = Reducer(json.loads(json.dumps(documents)), lines, fails)
    if not fails((r.documents, r.lines)):
        return documents, lines  # it depends on more than the case; shown as it is
    r.narrow(found)
    r.drop_lines()
    r.drop_rules()
    for i in range(min(len(r.documents), 3)):
        r.shrink_rule(i)
    for i in range(min(len(r.lines), 3)):
        r.shrink_line(i)
    for i in range(min(len(r.documents), 3)):
        r.shrink_rule(i)
    return r.documents, r.lines
