/* multihead.c: multi-head attention with PyTorch's parameters and masks. query (n,t,embed), key (n,s,kdim), value
 * (n,s,vdim), past keys and values (n,past,kv heads,head) -> output (n,t,embed), weights, and all keys and values
 * (n,past + s,kv heads,head), which are the past of the next call. PyTorch's out_proj.weight is out_proj_weight here.
 */
#include "multihead.h"

/* ---- sizes --------------------------------------------------------------------------------------------------------
 */
sizes multihead_sizes(luron_call *c) {
    const multihead *o = luron_options(c);
    sizes m = {.c = c, .o = o, .embed = o->embed_dim, .head = o->embed_dim / o->num_heads};
    const int64_t kdim = o->kdim ? o->kdim : m.embed, vdim = o->vdim ? o->vdim : m.embed;
    m.kv = o->num_kv_heads ? o->num_kv_heads : o->num_heads;
    m.packed = kdim == m.embed && vdim == m.embed;
    const int64_t in[3] = {m.embed, kdim, vdim}, out[3] = {m.embed, m.kv * m.head, m.kv * m.head};
    for (int64_t i = 0, first = 0; i < 3; first += out[i++])
        m.by[i] = (projection){in[i], out[i], m.packed ? first : 0, first, m.packed ? 0 : (int)i};
    m.bias_slot = o->bias ? m.by[VALUE].slot + 1 : -1, m.out_slot = m.by[VALUE].slot + 1 + o->bias;
    m.extra = o->add_bias_kv + o->add_zero_attn, m.extra_slot = m.out_slot + 1 + o->bias;
    return m;
}
int multihead_port(const luron_call *c, int i) {
    while (i && !luron_in(c, i))
        i--;
    return i;
}
waves multihead_waves(const sizes *m, int i) {
    return (waves){.c = m->c,
                   .port = -1,
                   .n = m->n,
                   .per = 1,
                   .t = i == QUERY ? m->t : m->s,
                   .pairs = m->head / 2,
                   .offset = m->past,
                   .base = m->o->rope_base};
}
static luron_status declare(luron_call *c) {
    const multihead *o = luron_options(c);
    if (o->embed_dim % o->num_heads)
        return luron_fail(c, LURON_E_ARGUMENT, "embed_dim %lld is not divisible by num_heads %lld",
                          (long long)o->embed_dim, (long long)o->num_heads);
    if (o->num_kv_heads && o->num_heads % o->num_kv_heads)
        return luron_fail(c, LURON_E_ARGUMENT, "num_heads %lld is not divisible by num_kv_heads %lld",
                          (long long)o->num_heads, (long long)o->num_kv_heads);
    const sizes m = multihead_sizes(c);
    if (o->rotary && m.head % 2)
        return luron_fail(c, LURON_E_ARGUMENT, "rotary: heads have %lld features, an even number expected",
                          (long long)m.head);
    const luron_init xavier = luron_init_or(&o->weight_init, luron_init_(LURON_INIT_XAVIER_UNIFORM, 1, 0));
    const luron_init zeros = luron_init_or(&o->bias_init, luron_init_zeros());
    const double near = 1 / sqrt((double)m.embed);
    static const char *const names[] = {"q_proj_weight", "k_proj_weight", "v_proj_weight"};
    const int64_t all = m.by[VALUE].bias_first + m.by[VALUE].out;
    if (m.packed) LURON_TRY(c->host->declare_param(c, 0, "in_proj_weight", LURON_SHAPE(all, m.embed), xavier));
    for (int i = 0; i < 3 && !m.packed; i++)
        LURON_TRY(c->host->declare_param(c, i, names[i], LURON_SHAPE(m.by[i].out, m.by[i].in), xavier));
    if (o->bias) LURON_TRY(c->host->declare_param(c, m.bias_slot, "in_proj_bias", LURON_SHAPE(all), zeros));
    LURON_TRY(c->host->declare_param(c, m.out_slot, "out_proj_weight", LURON_SHAPE(m.embed, m.embed),
                                     luron_init_or(&o->weight_init, luron_init_uniform(-near, near))));
    if (o->bias)
        LURON_TRY(c->host->declare_param(c, m.out_slot + 1, "out_proj_bias", LURON_SHAPE(m.embed), zeros));
    return extra_declare(&m);
}

static luron_status check_inputs(const sizes *m) {
    luron_call *c = m->c;
    static const char *const names[] = {"query", "key", "value"};
    for (int i = 0; i < 3; i++) {
        const int port = multihead_port(c, i);
        const luron_view *x = luron_in(c, port);
        if (x->shape[2] != m->by[i].in)
            return luron_fail(c, LURON_E_SHAPE, "%s has %lld features, %lld expected", names[port],
                              (long long)x->shape[2], (long long)m->by[i].in);
        if (x->shape[0] != m->n || (i == VALUE && x->shape[1] != m->s))
            return luron_fail(c, LURON_E_SHAPE,
                              "query, key and value: the same batch, and as many keys as values expected");
    }
    for (int i = PAST_KEY; i <= PAST_VALUE; i++) {
        const luron_view *x = luron_in(c, i);
        const int64_t wanted[4] = {m->n, m->past, m->kv, m->head};
        if (!x != !luron_in(c, PAST_KEY + PAST_VALUE - i))
            return luron_fail(c, LURON_E_SHAPE, "past_key and past_value: both or none of them expected");
        if (x && memcmp(x->shape, wanted, sizeof wanted))
            return luron_fail(
                c, LURON_E_SHAPE,
                "%s has shape (%lld, %lld, %lld, %lld), (%lld, %lld, %lld, %lld) expected: n, places, heads, features",
                i == PAST_KEY ? "past_key" : "past_value", (long long)x->shape[0], (long long)x->shape[1],
                (long long)x->shape[2], (long long)x->shape[3], (long long)m->n, (long long)m->past, (long long)m->kv,
                (long long)m->head);
    }
    if (m->all == 0) return luron_fail(c, LURON_E_SHAPE, "key has sequences of length 0, 1 or more expected");
    return LURON_OK;
}
/* A mask (n, all), the same for all heads and queries. */
static luron_status open_padding(const sizes *m, key_mask *to) {
    const luron_view *v = luron_in(m->c, PADDING);
    *to = (key_mask){.n_lead = 2, .lead = {m->n, m->o->num_heads}, .step = {m->all, 0}, .col = 1};
    if (!v) return LURON_OK;
    if (v->shape[0] != m->n || v->shape[1] != m->all)
        return luron_fail(m->c, LURON_E_SHAPE,
                          "key_padding_mask has shape (%lld, %lld), (%lld, %lld) expected: n, keys",
                          (long long)v->shape[0], (long long)v->shape[1], (long long)m->n, (long long)m->all);
    to->data = luron_data(v), to->is_bool = luron_dtype(v) == LURON_B8;
    return LURON_OK;
}
luron_status multihead_open(luron_call *c, sizes *m, heads *k) {
    const multihead *o = luron_options(c);
    const luron_view *q = luron_in(c, QUERY), *v = luron_in(c, MASK), *past = luron_in(c, PAST_KEY);
    *m = multihead_sizes(c);
    m->n = q->shape[0], m->t = q->shape[1], m->s = luron_in(c, multihead_port(c, KEY))->shape[1];
    m->past = past ? past->shape[1] : 0, m->all = m->past + m->s;
    LURON_TRY(check_inputs(m));
    *k = (heads){.c = c,
                 .n = m->n,
                 .h = o->num_heads,
                 .kv = m->kv,
                 .t = m->t,
                 .s = m->all + m->extra,
                 .extra = m->extra,
                 .d = m->head,
                 .dv = m->head,
                 .causal = o->is_causal,
                 .before = m->past,
                 .scale = 1 / sqrt((double)m->head),
                 .p = luron_is_training(c) ? o->dropout : 0,
                 .apart = !o->average_attn_weights};
    LURON_TRY(open_padding(m, &k->masks[1]));
    if (v && v->ndim == 3) return mask_open(c, MASK, 0, 1, (const int64_t[]){m->n * k->h}, m->t, m->all, &k->masks[0]);
    return mask_open(c, MASK, 0, 2, (const int64_t[]){m->n, k->h}, m->t, m->all, &k->masks[0]);
}
/* What is cut from the scratch memory at base: bytes, and where things are; base NULL: the bytes alone. */
typedef struct memory {
    char *heads, *gy, *gq, *gkv[2], *waves, *kv[2]; /* kv: with extra keys, all of them */
} memory;
static int64_t lay_out(const sizes *m, const heads *k, char *base, memory *to) {
    const int64_t size = attention_size(m->c), of_q = m->n * m->t * m->embed * size,
                  of_k = m->n * k->s * m->kv * m->head * size;
    const waves one = multihead_waves(m, QUERY), other = multihead_waves(m, KEY);
    const int64_t of_waves = !m->o->rotary ? 0 : one.t > other.t ? waves_bytes(&one) : waves_bytes(&other);
    const int64_t of_extra = m->extra ? of_k : 0,
                  bytes[8] = {heads_scratch(k), of_q, of_q, of_k, of_k, of_waves, of_extra, of_extra};
    char **const places[8] = {&to->heads,  &to->gy,    &to->gq,    &to->gkv[0],
                              &to->gkv[1], &to->waves, &to->kv[0], &to->kv[1]};
    int64_t at = 0;
    for (int i = 0; i < 8; i++) {
        *places[i] = base ? base + at : NULL;
        at += (bytes[i] + 63) / 64 * 64;
    }
    return at;
}
static luron_status setup(luron_call *c) {
    const multihead *o = luron_options(c);
    sizes m;
    heads k;
    memory none;
    LURON_TRY(multihead_open(c, &m, &k));
    LURON_TRY(c->host->set_out(c, OUTPUT, LURON_REAL, LURON_SHAPE(m.n, m.t, m.embed)));
    if (o->average_attn_weights || !o->need_weights)
        LURON_TRY(c->host->set_out(c, WEIGHTS, LURON_REAL, LURON_SHAPE(m.n, o->need_weights ? m.t : 0, k.s)));
    else
        LURON_TRY(c->host->set_out(c, WEIGHTS, LURON_REAL, LURON_SHAPE(m.n, k.h, m.t, k.s)));
    for (int i = KEYS; i <= VALUES; i++)
        LURON_TRY(c->host->set_out(c, i, LURON_REAL, LURON_SHAPE(m.n, m.all, m.kv, m.head)));
    for (int i = 0; i < 2; i++)
        LURON_TRY(c->host->declare_saved(c, i, LURON_REAL, LURON_SHAPE(m.n, m.t, m.embed)));
    LURON_TRY(c->host->declare_saved(c, 2, LURON_REAL, LURON_SHAPE(m.n, k.h, m.t)));
    return c->host->declare_scratch(c, lay_out(&m, &k, NULL, &none));
}

/* ---- forward ------------------------------------------------------------------------------------------------------
 */
/* (n, rows, numbers) at `data`, of which `places` go on behind the first `skip` of each sequence. */
typedef struct stretch {
    char *data;
    int64_t skip, places, width;
} stretch;
/* Of piece i: all sequences where they lie behind each other, or else one. */
static matrix piece_of(const sizes *m, const stretch *s, int64_t i, int64_t pieces) {
    const int64_t whole = s->skip + s->places, rows = pieces == 1 ? m->n * s->places : s->places;
    return (matrix){s->data + (i * whole + s->skip) * s->width * attention_size(m->c), rows, s->width, s->width};
}
/* At least one, so that an empty batch stores the gradients of parameters, zeros, too. */
static int64_t pieces_of(const sizes *m, const stretch *s) { return s->skip && m->n > 1 ? m->n : 1; }
static matrix weight_of(const sizes *m, const projection *p, const luron_view *w) {
    return (matrix){(char *)luron_data(w) + p->first * p->in * attention_size(m->c), p->out, p->in, p->in};
}
/* `count` numbers of a vector from `first`; shape: where that is kept. */
static luron_view slice(const sizes *m, const luron_view *v, int64_t first, int64_t count, int64_t *shape) {
    luron_view part = *v;
    *shape = count;
    part.byte_offset += (uint64_t)(first * attention_size(m->c)), part.shape = shape, part.strides = NULL;
    return part;
}
static luron_status project(const sizes *m, int i, stretch to) {
    luron_call *c = m->c;
    const projection *p = &m->by[i];
    const stretch x = {luron_data(luron_in(c, multihead_port(c, i))), 0, to.places, p->in};
    int64_t shape;
    luron_view bias;
    if (m->bias_slot >= 0) bias = slice(m, luron_param(c, m->bias_slot), p->bias_first, p->out, &shape);
    for (int64_t at = 0, pieces = pieces_of(m, &to); at < pieces; at++)
        LURON_TRY(attention_product(c, LURON_TRANS_B, piece_of(m, &x, at, pieces),
                                    weight_of(m, p, luron_param(c, p->slot)), m->bias_slot >= 0 ? &bias : NULL,
                                    piece_of(m, &to, at, pieces), 0));
    return LURON_OK;
}
/* Rows of `bytes` each from `from` to `to`, a sequence every from_step and to_step bytes. */
static void copy(const sizes *m, const char *from, int64_t from_step, char *to, int64_t to_step, int64_t bytes) {
    for (int64_t i = 0; i < m->n && bytes; i++)
        memcpy(to + i * to_step, from + i * from_step, (size_t)bytes);
}
static head_rows heads_of(const sizes *m, char *data, int64_t places, int64_t width) {
    return (head_rows){data, places * width, m->head, width};
}
/* Queries (n, t, heads, head), or keys (n, all, ...) behind the past, turned in their place, or back. */
static luron_status turn_heads(const sizes *m, int i, char *data, char *table, int back) {
    const int64_t count = i == QUERY ? m->o->num_heads : m->kv, width = count * m->head,
                  past = i == QUERY ? 0 : m->past;
    waves w = multihead_waves(m, i);
    if (!m->o->rotary) return LURON_OK;
    LURON_TRY(waves_make(&w, table));
    data += past * width * attention_size(m->c);
    waves_turn(&(turn){.w = &w,
                       .x = data,
                       .y = data,
                       .heads = count,
                       .d = m->head,
                       .sequence = (past + w.t) * width,
                       .place = width,
                       .head = m->head,
                       .back = back});
    return LURON_OK;
}
/* Where all that forward and backward see is. */
static luron_status open_run(luron_call *c, sizes *m, heads *k, memory *to) {
    LURON_TRY(multihead_open(c, m, k));
    lay_out(m, k, luron_scratch(c), to);
    const int64_t width = m->kv * m->head;
    k->scratch = to->heads, k->sums = luron_data(luron_saved(c, 2));
    k->q = heads_of(m, luron_data(luron_saved(c, 0)), m->t, m->embed),
    k->y = heads_of(m, luron_data(luron_saved(c, 1)), m->t, m->embed);
    k->k = heads_of(m, m->extra ? to->kv[0] : luron_data(luron_out(c, KEYS)), k->s, width),
    k->v = heads_of(m, m->extra ? to->kv[1] : luron_data(luron_out(c, VALUES)), k->s, width);
    return LURON_OK;
}
/* Keys and values are all there: the extra ones behind them. */
static void append_extra(const sizes *m, const memory *mem) {
    for (int i = 0; m->extra && i < 2; i++)
        extra_append(m, KEY + i, luron_data(luron_out(m->c, KEYS + i)), mem->kv[i]);
}
static luron_status forward(luron_call *c) {
    sizes m;
    heads k;
    memory mem;
    LURON_TRY(open_run(c, &m, &k, &mem));
    const int64_t bytes = m.kv * m.head * attention_size(c);
    LURON_TRY(project(&m, QUERY, (stretch){k.q.data, 0, m.t, m.embed}));
    LURON_TRY(turn_heads(&m, QUERY, k.q.data, mem.waves, 0));
    for (int i = KEY; i <= VALUE; i++) {
        char *to = luron_data(luron_out(c, KEYS + i - KEY));
        if (m.past)
            copy(&m, luron_data(luron_in(c, PAST_KEY + i - KEY)), m.past * bytes, to, m.all * bytes, m.past * bytes);
        LURON_TRY(project(&m, i, (stretch){to, m.past, m.s, m.kv * m.head}));
    }
    LURON_TRY(turn_heads(&m, KEY, luron_data(luron_out(c, KEYS)), mem.waves, 0));
    append_extra(&m, &mem);
    if (m.o->need_weights) {
        c->host->zero(c, luron_out(c, WEIGHTS));
        k.weights = luron_data(luron_out(c, WEIGHTS));
    }
    LURON_TRY(heads_forward(&k));
    const matrix w = {luron_data(luron_param(c, m.out_slot)), m.embed, m.embed, m.embed},
                 o = {k.y.data, m.n * m.t, m.embed, m.embed};
    return attention_product(c, LURON_TRANS_B, o, w, m.o->bias ? luron_param(c, m.out_slot + 1) : NULL,
                             (matrix){luron_data(luron_out(c, OUTPUT)), m.n * m.t, m.embed, m.embed}, 0);
}

/* ---- backward -----------------------------------------------------------------------------------------------------
 */
static luron_view view_of(const luron_call *c, const matrix *x, int64_t shape[2]) {
    shape[0] = x->rows, shape[1] = x->cols;
    return (luron_view){.data = x->data,
                        .ndim = 2,
                        .dtype_code = (uint8_t)(c->dtype >> 8),
                        .dtype_bits = (uint8_t)c->dtype,
                        .dtype_lanes = 1,
                        .shape = shape};
}
/* From the gradient of a projection to those of its input, weight and bias. betas: of its weight and bias. */
static luron_status unproject(const sizes *m, int i, stretch g, luron_view *gw, luron_view *gb, const double betas[2]) {
    luron_call *c = m->c;
    const projection *p = &m->by[i];
    const int port = multihead_port(c, i);
    double beta;
    luron_view *gx = luron_grad_in_beta(c, port, &beta);
    const stretch x = {luron_data(luron_in(c, port)), 0, g.places, p->in}, to = {luron_data(gx), 0, g.places, p->in};
    for (int64_t at = 0, pieces = pieces_of(m, &g); at < pieces; at++) {
        const matrix from = piece_of(m, &g, at, pieces);
        int64_t shape[2], count;
        if (gx)
            LURON_TRY(attention_product(c, 0, from, weight_of(m, p, luron_param(c, p->slot)), NULL,
                                        piece_of(m, &to, at, pieces), beta));
        if (gw)
            LURON_TRY(attention_product(c, LURON_TRANS_A, from, piece_of(m, &x, at, pieces), NULL, weight_of(m, p, gw),
                                        at ? 1 : betas[0]));
        if (!gb) continue;
        luron_view rows = view_of(c, &from, shape), bias = slice(m, gb, p->bias_first, p->out, &count);
        LURON_TRY(c->host->sum_to(c, &rows, &bias, at ? 1 : betas[1]));
    }
    return LURON_OK;
}
static luron_status unproject_all(const sizes *m, const memory *mem) {
    luron_call *c = m->c;
    double betas[2] = {0, 0};
    luron_view *gw = NULL, *gb = m->bias_slot >= 0 ? luron_grad_param_beta(c, m->bias_slot, &betas[1]) : NULL;
    for (int i = QUERY; i <= VALUE; i++) {
        const stretch g = {i == QUERY ? mem->gq : mem->gkv[i - KEY], i == QUERY ? 0 : m->past, i == QUERY ? m->t : m->s,
                           m->by[i].out};
        if (i == QUERY || !m->packed) gw = luron_grad_param_beta(c, m->by[i].slot, &betas[0]);
        LURON_TRY(unproject(m, i, g, gw, gb, betas));
    }
    return LURON_OK;
}
/* The output projection: from its gradient, if there is one, to that of the heads. */
static luron_status unproject_out(const sizes *m, const heads *k, char *to) {
    luron_call *c = m->c;
    const luron_view *g = luron_grad_out(c, OUTPUT);
    const int64_t rows = m->n * m->t, e = m->embed;
    double beta;
    int64_t shape[2];
    const matrix gy = {luron_data(g), rows, e, e}, gh = {to, rows, e, e};
    if (!g || !gy.data) {
        memset(to, 0, (size_t)(rows * e * attention_size(c)));
        return LURON_OK;
    }
    luron_view *gw = luron_grad_param_beta(c, m->out_slot, &beta);
    if (gw)
        LURON_TRY(attention_product(c, LURON_TRANS_A, gy, (matrix){k->y.data, rows, e, e}, NULL,
                                    (matrix){luron_data(gw), e, e, e}, beta));
    luron_view *gb = m->o->bias ? luron_grad_param_beta(c, m->out_slot + 1, &beta) : NULL,
               flat = view_of(c, &gy, shape);
    if (gb) LURON_TRY(c->host->sum_to(c, &flat, gb, beta));
    return attention_product(c, 0, gy, (matrix){luron_data(luron_param(c, m->out_slot)), e, e, e}, NULL, gh, 0);
}
/* The share of the older places in a gradient (n, all, width) to the past's. */
static luron_status give_past(const sizes *m, int i, const char *from) {
    luron_call *c = m->c;
    luron_view *g = luron_in(c, PAST_KEY + i) ? luron_grad_in(c, PAST_KEY + i) : NULL;
    const int64_t width = m->kv * m->head;
    if (!g) return LURON_OK;
    for (int64_t b = 0; b < m->n; b++) {
        const char *at = from + b * m->all * width * attention_size(c);
        char *to = (char *)luron_data(g) + b * m->past * width * attention_size(c);
        for (int64_t j = 0; j < m->past * width; j++)
            if (c->dtype == LURON_F64)
                ((double *)to)[j] += ((const double *)at)[j];
            else
                ((float *)to)[j] += ((const float *)at)[j];
    }
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    sizes m;
    heads k;
    memory mem;
    LURON_TRY(open_run(c, &m, &k, &mem));
    const int64_t width = m.kv * m.head, bytes = m.n * k.s * width * attention_size(c);
    const char *const next[2] = {luron_data(luron_grad_out(c, KEYS)), luron_data(luron_grad_out(c, VALUES))};
    append_extra(&m, &mem);
    for (int i = 0; i < 2; i++) /* what comes from the next call */
        if (next[i] && !m.extra)
            memcpy(mem.gkv[i], next[i], (size_t)bytes);
        else if (bytes)
            memset(mem.gkv[i], 0, (size_t)bytes);
    LURON_TRY(unproject_out(&m, &k, mem.gy));
    k.gy = heads_of(&m, mem.gy, m.t, m.embed), k.gq = heads_of(&m, mem.gq, m.t, m.embed);
    k.gk = heads_of(&m, mem.gkv[0], k.s, width), k.gv = heads_of(&m, mem.gkv[1], k.s, width);
    k.masks[0].grad = luron_data(luron_grad_in(c, MASK)), k.masks[1].grad = luron_data(luron_grad_in(c, PADDING));
    if (m.o->need_weights) k.gweights = luron_data(luron_grad_out(c, WEIGHTS));
    LURON_TRY(heads_backward(&k));
    for (int i = 0; m.extra && i < 2; i++)
        extra_give(&m, KEY + i, mem.gkv[i], next[i]);
    LURON_TRY(turn_heads(&m, QUERY, mem.gq, mem.waves, 1));
    LURON_TRY(turn_heads(&m, KEY, mem.gkv[0], mem.waves, 1));
    LURON_TRY(unproject_all(&m, &mem));
    for (int i = 0; i < 2; i++)
        LURON_TRY(give_past(&m, i, mem.gkv[i]));
    return LURON_OK;
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(multihead, embed_dim, 1, 1e9, "features of query and output"),
    LURON_OPT_INT_REQ(multihead, num_heads, 1, 1e6, "heads, which divide embed_dim"),
    LURON_OPT_FLOAT(multihead, dropout, 0.0, 0, 1, "probability that a weight is dropped, when training"),
    LURON_OPT_BOOL(multihead, bias, 1, "add biases"),
    LURON_OPT_BOOL(multihead, add_bias_kv, 0, "a key and value that are learnt, behind all others"),
    LURON_OPT_BOOL(multihead, add_zero_attn, 0, "a key and value of zeros, behind all others"),
    LURON_OPT_INT(multihead, kdim, 0, 0, 1e9, "features of key; 0: embed_dim"),
    LURON_OPT_INT(multihead, vdim, 0, 0, 1e9, "features of value; 0: embed_dim"),
    LURON_OPT_INT(multihead, num_kv_heads, 0, 0, 1e6,
                  "heads of key and value, each for as many of query; 0: num_heads"),
    LURON_OPT_BOOL(multihead, is_causal, 0, "a place sees itself and what is before it alone, behind the past"),
    LURON_OPT_BOOL(multihead, need_weights, 1, "give the weights; else that output has no elements"),
    LURON_OPT_BOOL(multihead, average_attn_weights, 1, "weights are means over the heads"),
    LURON_OPT_BOOL(multihead, rotary, 0, "turn queries and keys by their positions, as RotaryEmbedding"),
    LURON_OPT_FLOAT(multihead, rope_base, 10000, 1, 1e12, "base of RotaryEmbedding"),
    LURON_OPT_INITIALISER(multihead, weight_init, "first weights; nil: xavier_uniform, out_proj_weight as in Linear"),
    LURON_OPT_INITIALISER(multihead, bias_init, "first biases; nil: zeros"),
    NULL};
#define OPTIONAL(name, ndim, doc) LURON_PORT(name, LURON_PORT_OPTIONAL, LURON_REAL, ndim, doc)
#define A_MASK(name, ndim, doc) LURON_PORT(name, LURON_PORT_OPTIONAL | LURON_PORT_MASK, LURON_REAL, ndim, doc)
static const luron_port *const in[] = {
    LURON_PORT("query", 0, LURON_REAL, 3, "(n, t, embed_dim)"),
    OPTIONAL("key", 3, "(n, s, kdim); absent: query"),
    OPTIONAL("value", 3, "(n, s, vdim); absent: key"),
    A_MASK("key_padding_mask", 2, "(n, keys): true where a key is left out, or numbers that are added"),
    A_MASK("attn_mask", 0,
           "(t, keys), (n * heads, t, keys) or (n, heads, t, keys): true where a key is left out, or numbers that are "
           "added"),
    OPTIONAL("past_key", 4, "key of an earlier call"),
    OPTIONAL("past_value", 4, "value of an earlier call"),
    NULL};
static const luron_port *const out[] = {
    LURON_PORT("output", 0, LURON_REAL, 3, "(n, t, embed_dim)"),
    LURON_PORT("weights", 0, LURON_REAL, 0, "(n, t, keys), those that are added too"),
    LURON_PORT("key", 0, LURON_REAL, 4, "(n, keys, num_kv_heads, embed_dim / num_heads), the past of a later call"),
    LURON_PORT("value", 0, LURON_REAL, 4, "of the same shape"), NULL};
const luron_layer_type attention_multihead = {
    .struct_size = sizeof(luron_layer_type),
    .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM,
    .name = "MultiheadAttention",
    .doc = "attention of several heads over sequences, with keys and values kept between calls",
    .options = options,
    .options_size = sizeof(multihead),
    .in = in,
    .out = out,
    .declare = declare,
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .compose = multihead_compose};
