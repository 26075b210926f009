/* SPDX-License-Identifier: Apache-2.0 */
#include "match/vm.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>

#define UNSET SIZE_MAX

/* Threads in order of preference; each waits at an instruction that takes a character, or at MATCH.
 */
typedef struct thread_list {
    uint16_t *insts;
    size_t *slots; /* n_slots for each thread */
    uint32_t n;
} thread_list;

/* What is left to do while a thread is followed: an instruction to go to, or a slot to put back. */
typedef struct todo {
    uint32_t inst; /* RESTORE: put slot back */
    uint32_t slot_or_idle;
    size_t value;
} todo;
#define RESTORE UINT32_MAX

typedef struct vm {
    const program *p;
    uint32_t n_slots;
    uint32_t levels; /* loop_depth + 1 */
    uint32_t round;  /* what is marked with it was seen at this position */
    uint32_t *seen;  /* by instruction and level */
    uint32_t *listed;
    todo *stack;
    uint32_t n_stack;
    size_t *slots; /* of the thread being followed */
    thread_list now, next;
    const char *start, *at, *end;
    unsigned context;
    uint64_t work; /* instructions followed */
} vm;

void vm_memory_done(vm_memory *m)
{
    free(m->block);
    *m = (vm_memory){.left = m->left};
}

static void *cut(char **at, size_t n, size_t size)
{
    void *p = *at;

    *at += (n * size + 15) & ~(size_t)15;
    return p;
}

/*
 * Lays out one block. The stack is as deep as all the instructions seen at one position leave
 * things to do: each is seen once per level and leaves at most two (a SPLIT's ways; a SAVE's way
 * and its restoring).
 */
static int reserve(vm_memory *m, vm *v)
{
    size_t n = v->p->n_insts, seen = n * v->levels, threads = n * (v->n_slots + 1u);
    size_t size = seen * sizeof(uint32_t) + n * sizeof(uint32_t) + (2 * seen + 2) * sizeof(todo) +
                  2 * threads * sizeof(size_t) + 2 * n * sizeof(uint16_t) +
                  (v->n_slots + 1u) * sizeof(size_t) + 10 * 16;
    char *at;

    if (size > m->size) {
        vm_memory_done(m);
        m->block = malloc(size);
        if (!m->block)
            return -ENOMEM;
        m->size = size;
    }
    at = m->block;
    v->seen = cut(&at, seen, sizeof(*v->seen));
    v->listed = cut(&at, n, sizeof(*v->listed));
    v->stack = cut(&at, 2 * seen + 2, sizeof(*v->stack));
    v->slots = cut(&at, v->n_slots + 1u, sizeof(*v->slots));
    v->now.slots = cut(&at, threads, sizeof(size_t));
    v->next.slots = cut(&at, threads, sizeof(size_t));
    v->now.insts = cut(&at, n, sizeof(uint16_t));
    v->next.insts = cut(&at, n, sizeof(uint16_t));
    memset(v->seen, 0, seen * sizeof(*v->seen));
    memset(v->listed, 0, n * sizeof(*v->listed));
    return 0;
}

static void copy_slots(const vm *v, size_t *to, const size_t *from)
{
    memcpy(to, from, v->n_slots * sizeof(*to));
}

/*
 * idle: how many of the innermost rounds that inst stands in have consumed nothing yet. Two threads
 * at one instruction differ by it until they wait.
 */
static void push(vm *v, uint32_t inst, uint32_t idle)
{
    uint32_t *seen = &v->seen[inst * v->levels + idle];

    if (*seen == v->round)
        return;
    v->stack[v->n_stack++] = (todo){.inst = inst, .slot_or_idle = idle};
}

static void add_thread(vm *v, thread_list *list, uint32_t inst)
{
    if (v->listed[inst] == v->round)
        return;
    v->listed[inst] = v->round;
    list->insts[list->n] = (uint16_t)inst;
    copy_slots(v, list->slots + (size_t)list->n * v->n_slots, v->slots);
    list->n++;
}

static void save(vm *v, uint32_t slot)
{
    if (slot >= v->n_slots)
        return;
    v->stack[v->n_stack++] = (todo){RESTORE, slot, v->slots[slot]};
    v->slots[slot] = (size_t)(v->at - v->start);
}

static void follow_inst(vm *v, thread_list *list, uint32_t at, uint32_t idle)
{
    const program_inst *inst = &v->p->insts[at];

    switch ((program_op)inst->op) {
    case OP_CLASS:
    case OP_SET:
    case OP_MATCH:
        add_thread(v, list, at);
        break;
    case OP_ASSERT:
        if (program_assert_holds(inst->x, v->context))
            push(v, at + 1, idle);
        break;
    case OP_SPLIT:
        push(v, inst->y, idle);
        push(v, inst->x, idle);
        break;
    case OP_JUMP:
        push(v, inst->x, idle);
        break;
    case OP_SAVE:
        save(v, inst->x);
        push(v, at + 1, idle);
        break;
    case OP_ENTER:
        push(v, at + 1, idle + 1);
        break;
    case OP_END:
        if (idle > 0)
            push(v, inst->y, idle - 1);
        else
            push(v, inst->x, 0);
        break;
    }
}

/* List all that inst leads to without a character. The thread's slots are in v->slots, and are so
 * again. */
static void follow(vm *v, thread_list *list, uint32_t inst)
{
    push(v, inst, 0);
    while (v->n_stack > 0) {
        todo t = v->stack[--v->n_stack];
        uint32_t *seen;

        if (t.inst == RESTORE) {
            v->slots[t.slot_or_idle] = t.value;
            continue;
        }
        seen = &v->seen[t.inst * v->levels + t.slot_or_idle];
        if (*seen == v->round)
            continue;
        *seen = v->round;
        v->work++;
        follow_inst(v, list, t.inst, t.slot_or_idle);
    }
}

/* Decodes the character at v->at; tells the context there. Returns its length, 0 at the end. */
static unsigned look(vm *v, unsigned before, uint32_t *ret_class)
{
    unsigned len;
    uint32_t cp;

    v->context = before | (v->at == v->start ? AT_TEXT_START : 0u);
    if (v->at == v->end) {
        v->context |= AT_TEXT_END;
        return 0;
    }
    len = utf8_decode(v->at, v->end, &cp);
    *ret_class = alphabet_class(&v->p->al, cp);
    v->context |= context_before(v->p->al.flags[*ret_class]);
    if (cp == '\n' && v->at + 1 == v->end)
        v->context |= BEFORE_FINAL_NEWLINE;
    return len;
}

/* Note the match and forget the threads behind it. Returns whether now holds one. */
static bool take_match(vm *v, size_t *match)
{
    for (uint32_t i = 0; i < v->now.n; i++) {
        if (v->p->insts[v->now.insts[i]].op != OP_MATCH)
            continue;
        copy_slots(v, match, v->now.slots + (size_t)i * v->n_slots);
        if (v->n_slots > 1)
            match[1] = (size_t)(v->at - v->start);
        v->now.n = i;
        return true;
    }
    return false;
}

/* Take a character of the class: the threads behind it are listed at the next position. */
static void step(vm *v, uint32_t class)
{
    v->work += v->now.n;
    for (uint32_t i = 0; i < v->now.n; i++) {
        uint32_t inst = v->now.insts[i];

        if (!program_takes(v->p, &v->p->insts[inst], class))
            continue;
        copy_slots(v, v->slots, v->now.slots + (size_t)i * v->n_slots);
        follow(v, &v->next, inst + 1);
    }
}

static void begin_thread(vm *v)
{
    for (uint32_t i = 0; i < v->n_slots; i++)
        v->slots[i] = UNSET;
    if (v->n_slots > 0)
        v->slots[0] = (size_t)(v->at - v->start);
    follow(v, &v->now, 0);
}

/* Returns 0, TTP_E_NOT_FOUND or TTP_E_LIMIT. */
static int run(vm *v, uint64_t allowed, size_t *match)
{
    uint32_t class = 0, next_class = 0;
    bool matched = false;
    unsigned len;

    v->round = 1;
    len = look(v, 0, &class);
    for (;;) {
        thread_list done;

        if (!matched && (!v->p->anchored || v->at == v->start))
            begin_thread(v);
        matched |= take_match(v, match);
        if (len == 0 || (v->now.n == 0 && (matched || v->p->anchored)))
            return matched ? 0 : TTP_E_NOT_FOUND;
        if (v->work >= allowed)
            return TTP_E_LIMIT;
        v->at += len;
        v->round++;
        v->next.n = 0;
        len = look(v, context_after(v->p->al.flags[class]), &next_class);
        step(v, class);
        class = next_class;
        done = v->now;
        v->now = v->next;
        v->next = done;
    }
}

int vm_find(vm_memory *m, const program *p, str text, match_span *ret_spans, unsigned n_spans)
{
    vm v = {.p = p, .levels = p->loop_depth + 1, .start = text.len ? text.ptr : ""};
    unsigned n = n_spans < p->n_slots / 2 ? n_spans : p->n_slots / 2;
    size_t *match;
    int rc;

    v.at = v.start;
    v.end = v.start + text.len;
    v.n_slots = 2 * n;
    rc = reserve(m, &v);
    if (rc)
        return rc;
    match = (size_t *)ret_spans; /* a span is two slots */
    rc = run(&v, m->left, match);
    m->left -= v.work < m->left ? v.work : m->left;
    if (rc)
        return rc;
    for (unsigned i = 0; i < n; i++) {
        if (ret_spans[i].end == UNSET)
            ret_spans[i].start = UNSET;
    }
    return 0;
}
