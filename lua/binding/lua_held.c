/* lua_held.c -- Lua values that core holds on to: functions of hooks, and what an application of a luron.op keeps.
 *
 * Such a value may lead back to the tensor, layer or model whose C object holds it: a hook prints its own tensor, a hook of
 * a layer stores activations. The collector does not see the way through C, so a value held by a registry reference would
 * live for ever. Therefore every collection is followed by a look at the C side (luron_trace_hooks): what is led to from boxes
 * alone is taken off the registry, and each of these boxes keeps it alive by its user value; then the collector sees all
 * there is to see. Boxes made after a look keep all such values until the next one. What is led to from elsewhere too (a
 * run in progress, a box of which nothing is noted) stays in the registry.
 *
 * A box may also come to lead to a value without being new: a parameter is put into a layer. The look that follows the
 * collection in which the value died finds that out (`keep`), and the finalizers of boxes put value and boxes back. A
 * sentinel that dies in every collection says that a look is due; the first finalizer that runs after it takes it.      */
#include "lua_util.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS = 4, SLOTS = 64 * GROUPS /* values looked after at a time; more stay in the registry */, PER_SKIP = 4096 };
/* Weak tables: values by serial, with the table of all at 0; boxes by address. And the metatable of sentinels, which is
 * also the key of the one that waits, in the table of boxes.                                                            */
static const char values_key, live_key, sentinel_key;

static int has_bit(const uint64_t *bits, int slot) { return bits && slot >= 0 && bits[slot / 64] >> slot % 64 & 1; }
static void set_bit(uint64_t *bits, int slot) { bits[slot / 64] |= (uint64_t)1 << slot % 64; }

/* ---- taking and giving back -------------------------------------------------------------------------------------------- */
static void arm(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &live_key);
    lua_newuserdatauv(L, 1, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &sentinel_key);
    lua_setmetatable(L, -2);
    lua_rawsetp(L, -2, &sentinel_key);
    lua_pop(L, 1);
}

int lr_held_ref(lua_State *L) {
    lr_state *S = lr_get(L);
    if (!S->n_held) arm(L);
    S->notes = 1;
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

void lr_hold(lr_state *S, lr_held *h, int ref, void *ud, void (*release)(lr_held *)) {
    *h = (lr_held){ .before = &S->held, .after = S->held.after, .S = S, .ud = ud, .release = release, .serial = ++S->serial, .slot = -1, .ref = ref };
    h->after->before = S->held.after = h;
    S->refs++;
    S->n_held++;
}

int lr_push_value(lua_State *L, lr_held *h) {
    for (int tries = 0; tries < 2; tries++) {
        if (h->ref != LUA_NOREF) return lua_rawgeti(L, LUA_REGISTRYINDEX, h->ref) != LUA_TNIL;
        lua_rawgetp(L, LUA_REGISTRYINDEX, &values_key);
        lua_rawgeti(L, -1, h->serial);
        lua_remove(L, -2);
        if (!lua_isnil(L, -1)) return 1;
        lua_pop(L, 1);
        lua_gc(L, LUA_GCCOLLECT); /* it has died, and what puts it back is still to be run */
    }
    lua_pushnil(L);
    return 0;
}

/* Push the box; nil: it died in this collection, or was never noted. */
static int push_box(lua_State *L, const lr_link *box) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &live_key);
    lua_rawgetp(L, -1, box);
    lua_remove(L, -2);
    return !lua_isnil(L, -1);
}

/* No box keeps it alive any more. */
static void let_go(lua_State *L, const lr_held *h) {
    int top = lua_gettop(L);
    for (lr_link *b = h->S->boxes.after; b != &h->S->boxes; b = b->after) {
        if (!b->is_new && !has_bit(b->anchors, h->slot)) continue;
        if (push_box(L, b) && lua_getiuservalue(L, -1, 1) == LUA_TTABLE) {
            lua_pushnil(L);
            lua_rawseti(L, -2, h->serial);
        }
        lua_settop(L, top);
    }
}

void lr_unhold(lua_State *L, lr_held *h) {
    if (h->ref == LUA_NOREF) {
        let_go(L, h);
        h->S->n_weak--;
    }
    luaL_unref(L, LUA_REGISTRYINDEX, h->ref);
    h->ref = LUA_REFNIL;
}

static void forget(lua_State *L, lr_held *h) {
    lr_state *S = h->S;
    h->before->after = h->after;
    h->after->before = h->before;
    S->n_held--;
    if (L) lr_unhold(L, h);
    if (h->slot >= 0) set_bit(S->stale, h->slot);
    h->release(h);
    if (--S->refs == 0) free(S);
}

void lr_released(void *held) {
    lr_held *h = held;
    if (!h->S->ctx) { /* the lua_State has gone */
        forget(NULL, h);
        return;
    }
    h->next = h->S->dead;
    h->S->dead = h;
}

void lr_drain(lua_State *L, lr_state *S) {
    S->refs++; /* S outlives this */
    while (S->dead) {
        lr_held *h = S->dead;
        S->dead = h->next;
        forget(L, h);
    }
    if (--S->refs == 0) free(S);
}

/* ---- boxes ---------------------------------------------------------------------------------------------------------------- */
void lr_note_box(lua_State *L, int idx) {
    lr_link *box = lua_touserdata(L, idx);
    idx = lua_absindex(L, idx);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &live_key);
    lua_pushvalue(L, idx);
    lua_rawsetp(L, -2, box);
    lua_pop(L, 1);
    box->noted = 1;
}

/* Push the table of all values that boxes keep. */
static void push_all(lua_State *L, lr_state *S) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &values_key);
    if (lua_rawgeti(L, -1, 0) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        memset(S->all, 0, sizeof S->all);
        for (lr_held *h = S->held.after; h != &S->held; h = h->after) {
            if (h->ref != LUA_NOREF) continue;
            if (lua_rawgeti(L, -2, h->serial) != LUA_TNIL) set_bit(S->all, h->slot);
            lua_rawseti(L, -2, h->serial);
        }
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, 0);
    }
    lua_remove(L, -2);
}

void lr_note_new_box(lua_State *L, lr_state *S) {
    lr_link *box = lua_touserdata(L, -1);
    lr_note_box(L, -1);
    if (!S->n_weak) return;
    push_all(L, S);
    lua_setiuservalue(L, -2, 1);
    box->is_new = 1;
}

/* Does the box keep the value alive? */
static int keeps(const lr_state *S, const lr_link *box, int slot) { return has_bit(box->is_new ? S->all : box->anchors, slot); }

/* The box on top keeps the value at `value` alive. */
static void anchor(lua_State *L, lr_link *box, const lr_held *h, int value) {
    if (!box->anchors) box->anchors = calloc(GROUPS, sizeof *box->anchors);
    if (!box->anchors) return; /* the value is put back when it dies */
    if (lua_getiuservalue(L, -1, 1) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, -3, 1);
    }
    lua_pushvalue(L, value);
    lua_rawseti(L, -2, h->serial);
    lua_pop(L, 1);
    set_bit(box->anchors, h->slot);
}

static lr_held *held_of(lr_state *S, lua_Integer serial) {
    for (lr_held *h = S->held.after; h != &S->held; h = h->after)
        if (h->serial == serial) return h;
    return NULL;
}

/* Values that the dying box at 1 kept, with other ways to them: back into the registry. */
static void put_back(lua_State *L, lr_state *S) {
    if (lua_getiuservalue(L, 1, 1) == LUA_TTABLE) {
        lua_pushnil(L);
        while (lua_next(L, -2)) {
            lr_held *h = held_of(S, lua_tointeger(L, -2));
            if (h && h->keep && h->ref == LUA_NOREF) {
                lua_pushvalue(L, -1);
                h->ref = luaL_ref(L, LUA_REGISTRYINDEX);
                S->n_weak--;
            }
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

/* ---- the look --------------------------------------------------------------------------------------------------------------- */
typedef struct look {
    lr_state *S;
    size_t n, n_boxes; /* references: of boxes first, then of what values keep in C */
    luron_held *held;
    lr_link **boxes;
    uint64_t *reaches; /* GROUPS for each */
    uint64_t elsewhere[GROUPS];
} look;

static int kind_of(const lr_link *box) {
    if (box->key == &lr_tensor_key) return LURON_HELD_TENSOR;
    if (box->key == &lr_layer_key) return LURON_HELD_LAYER;
    if (box->key == &lr_model_key) return LURON_HELD_MODEL;
    return box->key == &lr_optim_key ? LURON_HELD_OPTIM : -1;
}

/* All references into core, in a userdata that is left on the stack. */
static void gather(lua_State *L, look *l) {
    lr_state *S = l->S;
    size_t n = 0;
    for (lr_link *b = S->boxes.after; b != &S->boxes; b = b->after) n++;
    for (lr_held *h = S->held.after; h != &S->held; h = h->after) n += h->keeps ? (size_t)h->keeps(h, NULL) : 0;
    char *block = lua_newuserdatauv(L, n * (sizeof *l->held + sizeof *l->boxes + GROUPS * sizeof *l->reaches) + 1, 0);
    l->held = (luron_held *)(void *)block;
    l->reaches = (uint64_t *)(void *)(l->held + n);
    l->boxes = (lr_link **)(void *)(l->reaches + GROUPS * n);
    for (lr_link *b = S->boxes.after; b != &S->boxes; b = b->after) {
        for (int g = 0; b->anchors && g < GROUPS; g++) b->anchors[g] &= ~S->stale[g];
        if (!b->object || kind_of(b) < 0) continue;
        l->boxes[l->n] = b;
        l->held[l->n++] = (luron_held){ (luron_held_kind)kind_of(b), b->object, 0 };
    }
    l->n_boxes = l->n;
    for (lr_held *h = S->held.after; h != &S->held; h = h->after)
        if (h->keeps) l->n += (size_t)h->keeps(h, l->held + l->n);
}

/* Numbers for values that have none, as long as there are some. */
static void give_slots(lr_state *S) {
    uint64_t taken[GROUPS] = { 0 };
    int slot = 0;
    for (lr_held *h = S->held.after; h != &S->held; h = h->after)
        if (h->slot >= 0) set_bit(taken, h->slot);
    for (lr_held *h = S->held.after; h != &S->held; h = h->after) {
        while (slot < SLOTS && has_bit(taken, slot)) slot++;
        if (h->slot < 0 && slot < SLOTS) h->slot = slot++;
    }
    memset(S->stale, 0, sizeof S->stale);
}

static luron_status trace(look *l) {
    for (int g = 0; g < GROUPS; g++) {
        void *uds[64] = { NULL };
        int n_uds = 0;
        for (lr_held *h = l->S->held.after; h != &l->S->held; h = h->after)
            if (h->slot >= 0 && h->slot / 64 == g) {
                uds[h->slot % 64] = h->ud;
                if (h->slot % 64 >= n_uds) n_uds = h->slot % 64 + 1;
            }
        if (n_uds) {
            luron_status status = luron_trace_hooks(&l->elsewhere[g], l->S->ctx, (int64_t)l->n, l->held, n_uds, uds);
            if (status != LURON_OK) return status;
        }
        for (size_t i = 0; i < l->n; i++) l->reaches[GROUPS * i + (size_t)g] = n_uds ? l->held[i].reaches : 0;
    }
    return LURON_OK;
}

/* Are there ways to the value that the collector cannot see? *dying: from a box that dies, and may come back. */
static int is_outside(lua_State *L, const look *l, const lr_held *h, int *dying, int *strange) {
    int outside = has_bit(l->elsewhere, h->slot);
    *dying = *strange = 0;
    for (size_t i = 0; i < l->n_boxes; i++) {
        if (!has_bit(l->reaches + GROUPS * i, h->slot)) continue;
        *dying |= !push_box(L, l->boxes[i]);
        *strange |= !keeps(l->S, l->boxes[i], h->slot);
        outside |= !l->boxes[i]->noted;
        lua_pop(L, 1);
    }
    return outside;
}

static void anchor_to_all(lua_State *L, const look *l, const lr_held *h, int value) {
    for (size_t i = 0; i < l->n_boxes; i++) {
        lr_link *b = l->boxes[i];
        if (!has_bit(l->reaches + GROUPS * i, h->slot) || (!b->is_new && has_bit(b->anchors, h->slot))) continue;
        if (push_box(L, b)) anchor(L, b, h, value);
        lua_pop(L, 1);
    }
}

/* A value without slot, or one that was dropped, stays as it is. */
static void judge(lua_State *L, const look *l, lr_held *h) {
    if (h->slot < 0 || h->ref == LUA_REFNIL) return;
    int dying, strange, outside = is_outside(L, l, h, &dying, &strange), top = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &values_key);
    if (h->ref != LUA_NOREF) {
        if (!outside && !dying) {
            lua_rawgeti(L, LUA_REGISTRYINDEX, h->ref);
            lua_pushvalue(L, -1);
            lua_rawseti(L, -3, h->serial);
            anchor_to_all(L, l, h, top + 2);
            luaL_unref(L, LUA_REGISTRYINDEX, h->ref);
            h->ref = LUA_NOREF;
            l->S->n_weak++;
        }
    } else if (lua_rawgeti(L, -1, h->serial) == LUA_TNIL) {
        h->keep = outside || strange;
        l->S->rescue |= h->keep;
    } else if (!outside) {
        anchor_to_all(L, l, h, top + 2);
    } else {
        h->ref = luaL_ref(L, LUA_REGISTRYINDEX);
        l->S->n_weak--;
    }
    lua_settop(L, top);
}

/* New boxes keep what they lead to alone from now on; those that die keep all until they are gone. */
static void settle_new_boxes(lua_State *L, const look *l) {
    for (size_t i = 0; i < l->n_boxes; i++) {
        if (!l->boxes[i]->is_new) continue;
        if (push_box(L, l->boxes[i])) {
            lua_pushnil(L);
            lua_setiuservalue(L, -2, 1);
            l->boxes[i]->is_new = 0;
        }
        lua_pop(L, 1);
    }
}

/* Values that died although there may be ways to them: in a look that cannot be taken all are. */
static void keep_all(lua_State *L, lr_state *S) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &values_key);
    for (lr_held *h = S->held.after; h != &S->held; h = h->after) {
        h->keep = 1;
        if (h->ref != LUA_NOREF) continue;
        S->rescue |= lua_rawgeti(L, -1, h->serial) == LUA_TNIL;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void take_look(lua_State *L, lr_state *S) {
    look l = { .S = S };
    arm(L);
    lr_drain(L, S);
    S->rescue = 0;
    keep_all(L, S);
    if (S->skip > 0 && S->skip--) return;
    S->skip = luron_ctx_live_blocks(S->ctx) / PER_SKIP; /* much to go through: at fewer collections */
    gather(L, &l);
    give_slots(S);
    if (trace(&l) == LURON_OK) { /* else in a backward, or without memory */
        S->rescue = 0;
        settle_new_boxes(L, &l);
        for (lr_held *h = S->held.after; h != &S->held; h = h->after) judge(L, &l, h);
    }
    lua_pop(L, 1);
}

/* Has there been a collection since the last look? */
static int is_due(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &live_key);
    int due = lua_rawgetp(L, -1, &sentinel_key) == LUA_TNIL;
    lua_pop(L, 2);
    return due;
}

static void look_if_due(lua_State *L, lr_state *S) {
    if (S->n_held && is_due(L)) take_look(L, S);
}

int lr_lives_on(lua_State *L) {
    lr_state *S = lr_peek(L);
    if (!S || !S->n_held) return 0;
    look_if_due(L, S);
    if (!S->rescue) return 0;
    lua_getmetatable(L, 1); /* to be finalized once more */
    lua_setmetatable(L, 1);
    return 1;
}

int lr_box_lives_on(lua_State *L, lr_link *box) {
    if (!lr_lives_on(L)) return 0;
    if (box->is_new || box->anchors) put_back(L, lr_peek(L));
    if (box->is_new) { /* the table of all may be another by now */
        lua_pushnil(L);
        lua_setiuservalue(L, 1, 1);
        box->is_new = 0;
    }
    lr_note_box(L, 1);
    return 1;
}

static int sentinel_gc(lua_State *L) {
    lr_state *S = lr_peek(L);
    if (S) look_if_due(L, S);
    return 0;
}

static void weak_values(lua_State *L, const char *key) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

void lr_open_held(lua_State *L) {
    weak_values(L, &values_key);
    weak_values(L, &live_key);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, sentinel_gc);
    lua_setfield(L, -2, "__gc");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &sentinel_key);
}
