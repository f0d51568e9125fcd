/* lua_held.c -- Lua values that core holds on to: functions of hooks, and what an application of a luron.op keeps.
 *
 * Such a value may lead back to the tensor, layer or model whose C object holds it: a hook prints its own tensor, a hook of
 * a layer stores activations. The collector does not see the way through C, so a value held by a registry reference would
 * live for ever. Therefore every collection is followed by a look at the C side (luron_trace_hooks), whose ways are laid
 * out once more as tables: a box has the table of its place as user value, that leads to tables of other places, and these
 * to cells, one a value. What boxes alone lead to is taken off the registry; then the collector sees all there is to see.
 * What something else leads to as well (a run in progress, a box of which nothing is noted) stays there. Boxes made after
 * a look have a table of all cells until the next one.
 *
 * A box may also come to lead to a value without being new: a parameter is put into a layer. The look that follows the
 * collection in which the value died finds that out, and the finalizers of boxes put back all that died then (`rescue`). A
 * sentinel that dies in every collection says that a look is due; the first finalizer that runs after it takes it.
 *
 * A place is a table of places at 1, 2, ... and cells at the negative serials of their values; a cell has its value at 1
 * and behind it the places that the value leads to by what it keeps in C.                                             */
#include "lua_util.h"

#include <stdlib.h>
#include <string.h>

enum { PER_SKIP = 4096, MOST_SKIPS = 4 };
/* Weak tables: cells by serial, with the table of all at 0; boxes by address. The metatable of sentinels, which is also the
 * key of the one that waits, in the table of boxes. Of the last look: places that were put back, and the dead by serial. */
static const char cells_key, live_key, sentinel_key, rescued_key;

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
    *h = (lr_held){ .before = &S->held, .after = S->held.after, .S = S, .ud = ud, .release = release, .serial = ++S->serial, .ref = ref };
    h->after->before = S->held.after = h;
    S->refs++;
    S->n_held++;
}

/* Push the cell of a value that boxes keep; nil: it has died. */
static int push_cell(lua_State *L, const lr_held *h) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cells_key);
    lua_rawgeti(L, -1, h->serial);
    lua_remove(L, -2);
    return !lua_isnil(L, -1);
}

int lr_push_value(lua_State *L, lr_held *h) {
    for (int tries = 0; tries < 2 && h->ref != LUA_REFNIL; tries++) {
        if (h->ref != LUA_NOREF) return lua_rawgeti(L, LUA_REGISTRYINDEX, h->ref) != LUA_TNIL;
        if (push_cell(L, h)) {
            lua_rawgeti(L, -1, 1);
            lua_remove(L, -2);
            return 1;
        }
        lua_pop(L, 1);
        lua_gc(L, LUA_GCCOLLECT); /* it has died, and what puts it back is still to be run */
    }
    if (h->ref != LUA_REFNIL) lr_error(L, "a hook or what an op keeps for its backward was lost: Lua ran out of memory or stack in a collection");
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

void lr_unhold(lua_State *L, lr_held *h) {
    if (h->ref == LUA_NOREF) {
        if (push_cell(L, h)) {
            lua_pushnil(L);
            lua_rawseti(L, -2, 1);
        }
        lua_rawgetp(L, LUA_REGISTRYINDEX, &rescued_key);
        if (lua_rawgeti(L, -1, h->serial) != LUA_TNIL) { /* a key that is not there could need memory */
            lua_pushnil(L);
            lua_rawseti(L, -3, h->serial);
        }
        lua_pop(L, 3);
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
    lr_link *box = *(lr_link **)lua_touserdata(L, idx);
    idx = lua_absindex(L, idx);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &live_key);
    lua_pushvalue(L, idx);
    lua_rawsetp(L, -2, box);
    lua_pop(L, 1);
    box->noted = 1;
}

/* Push the table of all cells. */
static void push_all(lua_State *L, lr_state *S) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cells_key);
    if (lua_rawgeti(L, -1, 0) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        for (lr_held *h = S->held.after; h != &S->held; h = h->after) {
            if (h->ref != LUA_NOREF) continue;
            lua_rawgeti(L, -2, h->serial);
            lua_rawseti(L, -2, -h->serial);
        }
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, 0);
    }
    lua_remove(L, -2);
}

void lr_note_new_box(lua_State *L, lr_state *S) {
    lr_link *box = *(lr_link **)lua_touserdata(L, -1);
    lr_note_box(L, -1);
    if (!S->n_weak) return;
    push_all(L, S);
    lua_setiuservalue(L, -2, 1);
    box->is_new = 1;
}

/* ---- the look --------------------------------------------------------------------------------------------------------------- */
typedef struct look {
    lr_state *S;
    int64_t n, n_boxes, n_values; /* references: of boxes first, then of what values keep in C */
    luron_held *held;
    lr_link **boxes;
    int64_t *keeper; /* of reference n_boxes + i: the value */
    void **uds;
    lr_held **values;
    luron_ways ways;
} look;

static int kind_of(const lr_link *box) {
    if (box->key == &lr_tensor_key) return LURON_HELD_TENSOR;
    if (box->key == &lr_layer_key) return LURON_HELD_LAYER;
    if (box->key == &lr_model_key) return LURON_HELD_MODEL;
    return box->key == &lr_optim_key ? LURON_HELD_OPTIM : -1;
}

static int counts(const lr_link *b) { return b->object && b->noted && kind_of(b) >= 0; }

/* All references into core, in a userdata that is left on the stack. */
static void gather(lua_State *L, look *l) {
    lr_state *S = l->S;
    size_t n_boxes = 0, n_kept = 0, n_values = 0;
    for (lr_link *b = S->boxes.after; b != &S->boxes; b = b->after) n_boxes += (size_t)counts(b);
    for (lr_held *h = S->held.after; h != &S->held; h = h->after) {
        n_values++;
        n_kept += h->keeps ? (size_t)h->keeps(h, NULL) : 0;
    }
    char *block = lua_newuserdatauv(L, (n_boxes + n_kept) * sizeof *l->held + n_boxes * sizeof *l->boxes + n_kept * sizeof *l->keeper +
                                           n_values * (sizeof *l->uds + sizeof *l->values) + 1, 0);
    l->held = (luron_held *)(void *)block;
    l->boxes = (lr_link **)(void *)(l->held + n_boxes + n_kept);
    l->keeper = (int64_t *)(void *)(l->boxes + n_boxes);
    l->uds = (void **)(void *)(l->keeper + n_kept);
    l->values = (lr_held **)(void *)(l->uds + n_values);
    for (lr_link *b = S->boxes.after; b != &S->boxes; b = b->after) {
        if (!counts(b)) continue;
        l->boxes[l->n] = b;
        l->held[l->n++] = (luron_held){ (luron_held_kind)kind_of(b), b->object, -1 };
    }
    l->n_boxes = l->n;
    for (lr_held *h = S->held.after; h != &S->held; h = h->after) {
        int64_t end = l->n + (h->keeps ? h->keeps(h, l->held + l->n) : 0);
        while (l->n < end) l->keeper[l->n++ - l->n_boxes] = l->n_values;
        l->uds[l->n_values] = h->ud;
        l->values[l->n_values++] = h;
    }
}

static int is_dead(lua_State *L, const lr_held *h) {
    if (h->ref != LUA_NOREF) return 0;
    int dead = !push_cell(L, h);
    lua_pop(L, 1);
    return dead;
}

/* Note the dead by serial, for they may be put back. Are there any? */
static int any_dead(lua_State *L, lr_state *S) {
    int any = 0;
    lua_newtable(L);
    for (lr_held *h = S->held.after; h != &S->held; h = h->after) {
        if (!is_dead(L, h)) continue;
        lua_pushlightuserdata(L, h);
        lua_rawseti(L, -2, h->serial);
        any = 1;
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &rescued_key);
    return any;
}

/* Mark the places, and behind them the hooks, that lead on from the marked ones; more references are marked by values that
 * are. Which is quick: ways are ordered, and nearly all lead to lower places. */
static void spread(const look *l, char *places, char *hooks) {
    for (int changed = 1; changed;) {
        changed = 0;
        for (int64_t i = l->ways.n_ways - 1; i >= 0; i--) {
            const luron_way *w = &l->ways.ways[i];
            char *to = w->to >= 0 ? &places[w->to] : &hooks[-1 - w->to];
            if (!places[w->from] || *to) continue;
            *to = 1, changed |= w->to > w->from;
        }
        for (int64_t i = l->n_boxes; i < l->n; i++) {
            if (l->held[i].place < 0 || !hooks[l->keeper[i - l->n_boxes]] || places[l->held[i].place]) continue;
            places[l->held[i].place] = changed = 1;
        }
    }
}

/* Has a value died that something alive leads to, or that no way leads to, so that it is held elsewhere? */
static int died_in_use(lua_State *L, const look *l) {
    char *places = lua_newuserdatauv(L, (size_t)(l->ways.n_places + 2 * l->n_values) + 1, 0), *hooks = places + l->ways.n_places,
         *found = hooks + l->n_values;
    memset(places, 0, (size_t)(l->ways.n_places + 2 * l->n_values) + 1);
    for (int64_t i = 0; i < l->n_boxes; i++) {
        if (l->held[i].place < 0 || places[l->held[i].place]) continue;
        places[l->held[i].place] = (char)push_box(L, l->boxes[i]);
        lua_pop(L, 1);
    }
    for (int64_t k = 0; k < l->n_values; k++) hooks[k] = l->values[k]->ref != LUA_REFNIL && !is_dead(L, l->values[k]);
    spread(l, places, hooks);
    for (int64_t i = 0; i < l->ways.n_ways; i++)
        if (l->ways.ways[i].to < 0) found[-1 - l->ways.ways[i].to] = 1;
    int rescue = 0;
    for (int64_t k = 0; k < l->n_values && !rescue; k++) rescue = (hooks[k] || !found[k]) && is_dead(L, l->values[k]);
    lua_pop(L, 1);
    return rescue;
}

/* Push the cell of a value, a new one for one in the registry; false: it is dead. */
static void push_own_cell(lua_State *L, const lr_held *h) {
    if (h->ref != LUA_NOREF && h->ref != LUA_REFNIL) {
        lua_createtable(L, 1, 0);
        lua_rawgeti(L, LUA_REGISTRYINDEX, h->ref);
        lua_rawseti(L, -2, 1);
    } else if (h->ref == LUA_NOREF && push_cell(L, h)) {
        for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i > 1; i--) {
            lua_pushnil(L);
            lua_rawseti(L, -2, i);
        }
    } else {
        lua_pushboolean(L, 0);
    }
}

/* Push the list of them, by number from 1 on. */
static void push_cells(lua_State *L, const look *l) {
    lua_createtable(L, (int)l->n_values, 0);
    int list = lua_gettop(L);
    for (int64_t k = 0; k < l->n_values; k++) {
        push_own_cell(L, l->values[k]);
        lua_rawseti(L, list, k + 1);
        lua_settop(L, list);
    }
}

/* Push the tables of all places at their number from 1 on, with cells, which are at `cells`, in them. */
static void push_places(lua_State *L, const look *l, int cells) {
    lua_createtable(L, (int)l->ways.n_places, 0);
    for (int64_t i = 0; i < l->ways.n_places; i++) {
        lua_newtable(L);
        lua_rawseti(L, -2, i + 1);
    }
    int64_t from = -1, n = 0;
    lua_pushnil(L); /* the table of from */
    for (int64_t i = 0; i < l->ways.n_ways; i++) {
        const luron_way *w = &l->ways.ways[i];
        if (w->from != from) {
            lua_pop(L, 1);
            lua_rawgeti(L, -1, w->from + 1);
            from = w->from, n = 0;
        }
        if (w->to >= 0) {
            lua_rawgeti(L, -2, w->to + 1);
            lua_rawseti(L, -2, ++n);
        } else if (lua_rawgeti(L, cells, -w->to) == LUA_TTABLE) {
            lua_rawseti(L, -2, -l->values[-1 - w->to]->serial);
        } else {
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    for (int64_t i = l->n_boxes; i < l->n; i++) { /* values lead on by what they keep */
        if (l->held[i].place < 0) continue;
        if (lua_rawgeti(L, cells, l->keeper[i - l->n_boxes] + 1) == LUA_TTABLE) {
            lua_rawgeti(L, -2, l->held[i].place + 1);
            lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        }
        lua_pop(L, 1);
    }
}

/* Values that nothing but boxes leads to go from the registry to their cells, others back. `found`: by value. All that can
 * fail for want of memory comes first. */
static void settle_values(lua_State *L, const look *l, int cells, const char *found) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cells_key);
    int weak = lua_gettop(L);
    for (int64_t k = 0; k < l->n_values; k++) {
        lr_held *h = l->values[k];
        if (lua_rawgeti(L, cells, k + 1) == LUA_TTABLE && found[k]) {
            lua_rawseti(L, weak, h->serial);
            continue;
        }
        if (lua_istable(L, -1) && h->ref == LUA_NOREF) {
            lua_rawgeti(L, -1, 1);
            h->ref = luaL_ref(L, LUA_REGISTRYINDEX);
            l->S->n_weak--;
        }
        lua_settop(L, weak);
    }
    for (int64_t k = 0; k < l->n_values; k++) {
        lr_held *h = l->values[k];
        if (!found[k] || h->ref == LUA_NOREF || h->ref == LUA_REFNIL) continue;
        luaL_unref(L, LUA_REGISTRYINDEX, h->ref);
        h->ref = LUA_NOREF;
        l->S->n_weak++;
    }
    lua_pushnil(L);
    lua_rawseti(L, weak, 0); /* the table of all is another now */
    lua_settop(L, weak - 1);
}

/* The ways as tables. Until boxes have theirs the old ones keep what they kept. */
static void lay_out(lua_State *L, const look *l) {
    push_cells(L, l);
    int cells = lua_gettop(L);
    push_places(L, l, cells);
    char *found = lua_newuserdatauv(L, (size_t)l->n_values + 1, 0);
    memset(found, 0, (size_t)l->n_values + 1);
    for (int64_t i = 0; i < l->ways.n_ways; i++)
        if (l->ways.ways[i].to < 0) found[-1 - l->ways.ways[i].to] = 1;
    settle_values(L, l, cells, found);
    for (int64_t i = 0; i < l->n_boxes; i++) { /* those that die keep what they have */
        if (push_box(L, l->boxes[i])) {
            if (l->held[i].place >= 0) lua_rawgeti(L, cells + 1, l->held[i].place + 1);
            else lua_pushnil(L);
            lua_setiuservalue(L, -2, 1);
            l->boxes[i]->is_new = 0;
        }
        lua_pop(L, 1);
    }
    lua_settop(L, cells - 1);
}

static int settle(lua_State *L) {
    look *l = lua_touserdata(L, 1);
    l->S->rescue = l->S->rescue && died_in_use(L, l);
    if (!l->S->rescue) lay_out(L, l), l->S->looked = l->S->serial;
    return 0;
}

static void take_look(lua_State *L, lr_state *S) {
    look l = { .S = S };
    luaL_checkstack(L, 30, NULL);
    arm(L);
    lr_drain(L, S);
    S->rescue = 1; /* unless the look says otherwise */
    S->rescue = any_dead(L, S);
    if (!S->rescue && S->serial == S->looked && S->skip > 0 && S->skip--) return;
    S->skip = luron_ctx_live_blocks(S->ctx) / PER_SKIP; /* much to go through: less often where no value is new or dead */
    if (S->skip > MOST_SKIPS) S->skip = MOST_SKIPS;     /* but what is garbage has to go */
    gather(L, &l);
    if (luron_trace_hooks(&l.ways, S->ctx, l.n, l.held, l.n_values, l.uds) == LURON_OK) { /* else in a backward, or without memory */
        lua_pushcfunction(L, settle);
        lua_pushlightuserdata(L, &l);
        int failed = lua_pcall(L, 1, 0, 0);
        luron_ways_free(S->ctx, &l.ways);
        if (failed) lua_error(L);
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

/* ---- what comes back -------------------------------------------------------------------------------------------------------- */
/* The finalizer of an object may not fail: a look can, for want of memory, or of stack where a recursion is deep. */
static int lives_on(lua_State *L, lua_CFunction body) {
    lr_state *S = lr_peek(L);
    if (!S || !S->n_held || !(S->rescue || is_due(L))) return 0;
    lua_pushcfunction(L, body);
    lua_pushvalue(L, 1);
    int does = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_toboolean(L, -1);
    lua_pop(L, 1);
    return does;
}

static int object_lives_on(lua_State *L) {
    lr_state *S = lr_peek(L);
    look_if_due(L, S);
    if (S->rescue) {
        lua_getmetatable(L, 1); /* to be finalized once more */
        lua_setmetatable(L, 1);
    }
    lua_pushboolean(L, S->rescue);
    return 1;
}

int lr_lives_on(lua_State *L) { return lives_on(L, object_lives_on); }

/* The value of the cell on top, into the registry if it has died. `rescued` has the dead by serial. */
static void put_back(lua_State *L, lr_state *S, int rescued, lua_Integer serial) {
    lua_rawgeti(L, rescued, serial);
    lr_held *h = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (!h) return;
    lua_rawgeti(L, -1, 1);
    h->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    S->n_weak--;
    lua_pushnil(L);
    lua_rawseti(L, rescued, serial);
}

/* Put what the table on top has, from index `first` on, onto the list at idx, which has n; how many it has then. */
static lua_Integer put_on(lua_State *L, int idx, lua_Integer n, lua_Integer first) {
    for (lua_Integer i = first, end = (lua_Integer)lua_rawlen(L, -1); i <= end; i++) {
        lua_rawgeti(L, -1, i);
        lua_rawseti(L, idx, ++n);
    }
    return n;
}

/* All that died behind the dying box at 1. */
static void put_all_back(lua_State *L, lr_state *S) {
    luaL_checkstack(L, 20, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &rescued_key);
    lua_newtable(L); /* places to go through */
    int list = lua_gettop(L), seen = list - 1;
    lua_Integer n = lua_getiuservalue(L, 1, 1) == LUA_TTABLE;
    lua_rawseti(L, list, 1);
    for (; n > 0; lua_settop(L, list)) {
        lua_rawgeti(L, list, n--);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, seen) != LUA_TNIL) continue;
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushboolean(L, 1);
        lua_rawset(L, seen);
        n = put_on(L, list, n, 1);
        lua_pushnil(L);
        while (lua_next(L, -2)) {
            lua_Integer key = lua_tointeger(L, -2);
            if (key < 0) {
                put_back(L, S, seen, -key);
                n = put_on(L, list, n, 2);
            }
            lua_pop(L, 1);
        }
    }
    lua_settop(L, seen - 1);
}

static int box_lives_on(lua_State *L) {
    object_lives_on(L);
    if (!lua_toboolean(L, -1)) return 1;
    put_all_back(L, lr_peek(L));
    lr_note_box(L, 1);
    return 1;
}

int lr_box_lives_on(lua_State *L) { return lives_on(L, box_lives_on); }

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
    weak_values(L, &cells_key);
    weak_values(L, &live_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &rescued_key);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, sentinel_gc);
    lua_setfield(L, -2, "__gc");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &sentinel_key);
}
