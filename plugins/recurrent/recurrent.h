/* recurrent.h -- what the files of this plugin share. sequence.c and backward.c run any cell over layers, directions and
 * time; lstm.c, gru.c and rnn.c hold the cells; compose.c the same in ops; moves.c products and copies; letters.c inputs of
 * zeros and a one; hold.c sequences of unequal length. Outside sequences are (n, t, features); inside everything is time-major, (t, n, ...), so that the rows
 * of a step lie together.                                                                                             */
#ifndef RECURRENT_H
#define RECURRENT_H
#include "../gates.h"

enum { INPUT, H_0, C_0 };                 /* ports in; out: output, h_n, c_n; of a cell h, c */
enum { W_IH, W_HH, B_IH, B_HH };          /* parameters of one direction of a layer, in this order */
enum { SAVED_GATES, SAVED_OUTPUT, SAVED_LETTERS, SAVED_EXTRA };
enum { BLOCK_ROWS = 256 };                /* of gradients of gates, held until the products over them are done */
enum { MOST_PARAMS = 16 };                /* that a layer may have */
enum { TANH, RELU };                      /* choices of `nonlinearity` */

/* The options of all types; each lists those it has. */
typedef struct recurrent {
    int64_t input_size, hidden_size, num_layers;
    double dropout;
    int32_t bias, bidirectional, nonlinearity, reset_after, recurrent_activation;
    luron_named_init weight_init, recurrent_init, bias_init;
} recurrent;

typedef struct run run;
typedef struct step step;
typedef struct cell cell;

/* A call being run. Sizes in numbers; `part` counts layers and directions: layer x dirs + direction. */
struct run {
    luron_call *c;
    const recurrent *o;
    const cell *cell;
    int64_t t, n, in, h, layers, dirs;
    int64_t wide;              /* of the gates: cell->gates h */
    int64_t out;               /* of an output: dirs h */
    int64_t size;              /* bytes of a number */
    int64_t block;             /* steps back in time that are held at once */
    int holds;                 /* there are lengths or a mask, see hold.c */
    int split;                 /* the last gate sees extra, r h_prev, in place of h_prev (GRU, reset_after = false) */
    char *gates, *extra, *y;   /* saved: (parts, t, n, wide), (parts, t, n, extra h), (layers, t, n, out) */
    int32_t *letters;          /* saved: (t, n), see letters.c; NULL: the input is looked at number by number */
    /* Scratch: inputs time-major (t, n, in) and thinned (t, n, out); weight_hh packed, in two parts if it is split; with the
     * gates along a row, weight_ih or its gradient (in + 1, wide) and the gradient of weight_hh (h, wide); a step's
     * recurrent product (n, wide), the LSTM's tanh(c) too; zeros. Backward: gradients of a layer's output and input (t, n, max(in, out)), of its
     * gates in a block of steps as the input and as the state see them (block, n, wide), their sums (2, wide), those
     * carried through time (n, h). Of rows that are held: the two of the state and that of the output, (3, n, h).       */
    char *held, *x, *thin, *packed[2], *turned_ih, *turned_hh, *product, *zero, *dy, *dx, *dz, *dzh, *sums, *dh, *dc, *dreset;
};

/* One step of one direction of one layer: n rows, each of what is named. */
struct step {
    const run *r;
    int64_t part, prev_ld, c_ld, dy_ld;       /* ld: from row to row */
    const int32_t *letters;                   /* (n): rows of r->turned_ih in place of z; NULL: z has the input product */
    const char *b_ih, *b_hh;                  /* (wide); zeros where there are none */
    char *z;                                  /* (n, wide): the input product, then the gates */
    char *h, *out, *prev, *c_prev, *extra;    /* h: rows r->out apart; out: the layer's output, rows t r->out apart, or NULL */
    const char *dy;
    char *dz, *dzh;
    int wants_prev;                           /* is the gradient of h_prev looked at? */
};

struct cell {
    int gates, extra, has_c;
    luron_status (*forward)(const run *, step *);
    /* From r->dh (in: of h, but for dy) and r->dc to dz and dzh; leaves those of h_prev, if wanted, and c_prev there. */
    luron_status (*backward)(const run *, step *);
    /* h of the step, and *c in its place; z: the input product, (n, wide). */
    luron_tensor *(*compose)(const run *, const luron_ops *, luron_tensor *z, luron_tensor *prev, luron_tensor **c, luron_tensor *w_hh, luron_tensor *b_hh);
};
extern const cell rnn_cell_lstm, rnn_cell_gru, rnn_cell_rnn;

/* ---- sequence.c: declare, setup and forward; the callbacks of a type choose the cell --------------------------------- */
luron_status rnn_declare(luron_call *c, const cell *k);
luron_status rnn_setup(luron_call *c, const cell *k);
luron_status rnn_forward(luron_call *c, const cell *k);
/** The sizes of a call whose shapes are known; pointers NULL. */
run rnn_run(luron_call *c, const cell *k);
/** The same with memory, for forward and backward. */
run rnn_open(luron_call *c, const cell *k);
/** Parameter W_IH ... of a part; NULL: there is none. */
const luron_view *rnn_param(const run *r, int64_t part, int which);
int rnn_slot(const run *r, int64_t part, int which);
/** Where step s of direction d is in time. */
static inline int64_t rnn_time(const run *r, int64_t d, int64_t s) { return d ? r->t - 1 - s : s; }
/** The step with what forward and backward both see. */
step rnn_step(const run *r, int64_t layer, int64_t d, int64_t s);
/** Takes the input of the call in, time-major. */
void rnn_take_input(run *r);
/** The input of a layer, time-major, as its products see it: thinned when training. */
char *rnn_layer_input(run *r, int64_t layer);
/** First state of a part from port H_0 or C_0; absent: zeros. */
char *rnn_initial(const run *r, int port, int64_t part);
/** Is there dropout between the layers of this call? */
int rnn_thins(const run *r);

/* ---- backward.c, compose.c ------------------------------------------------------------------------------------------- */
luron_status rnn_backward(luron_call *c, const cell *k);
luron_status rnn_compose(luron_call *c, const luron_ops *o, const cell *k);

/* ---- moves.c --------------------------------------------------------------------------------------------------------- */
typedef struct matrix { char *data; int64_t rows, cols, ld; } matrix;
/** out = op(a) op(b) + beta out. */
luron_status rnn_product(const run *r, uint32_t flags, matrix a, matrix b, matrix out, double beta);
/** Rows of w numbers: to[i, j] = from[i, j] (beta 0) or added, i below a, j below b, with steps of their own. */
typedef struct move { const run *r; const char *from; char *to; int64_t a, b, w, from_a, from_b, to_a, to_b; double beta; } move;
void rnn_move(const move *m);
/** (a, b, w) to (b, a, w). */
void rnn_swap(const run *r, const char *from, char *to, int64_t a, int64_t b, int64_t w, double beta);
/** from (t, n, out) with the dropout behind layer `layer`; `to` may be `from`. */
void rnn_thin(const run *r, int64_t layer, const char *from, char *to);
/** to (cols, rows) = from (rows, cols) turned + beta to. */
void rnn_turn(const run *r, const char *from, int64_t rows, int64_t cols, char *to, double beta);
/** Bytes of weight_hh, or of part 1 of a split one, as the products of many steps read it. */
int64_t rnn_packed_bytes(const run *r, int i);
/** Packs weight_hh of a part, op by flags; nothing where there is one step. */
luron_status rnn_pack(const run *r, int64_t part, uint32_t flags);
/** out = a op(weight_hh of a part) + beta out, beta 0 where a is r->zero; split, with the rows up to the last gate's (i 0) or from there on (i 1). */
luron_status rnn_recurrent(const run *r, uint32_t flags, matrix a, int64_t part, int i, matrix out, double beta);
/** z = (x + b) + (a + c), n numbers; z may be x. */
#define RNN_SUM(T)                                                                                                     \
    LOOP rnn_sum_##T(int64_t n, const T *x, const T *b, const T *a, const T *c, T *z) {                                \
        _Pragma("GCC ivdep") for (int64_t j = 0; j < n; j++) z[j] = (x[j] + b[j]) + (a[j] + c[j]);                     \
    }
RNN_SUM(float) RNN_SUM(double)
static inline char *rnn_at(const run *r, char *p, int64_t numbers) { return p ? p + numbers * r->size : NULL; }
/** Memory that is looked at soon and lies where a processor does not expect it. */
static inline void rnn_fetch(const void *p, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)p + i);
}
/** The same, to be written. */
static inline void rnn_fetch_to_write(void *p, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((char *)p + i, 1);
}
/** Rows a piece of a pass over a cell. */
static inline int64_t rnn_grain(const run *r) { return 1 + 16384 / (r->wide + 1); }

/* ---- hold.c ---------------------------------------------------------------------------------------------------------- */
/** Are there lengths or a mask? */
int rnn_holds(luron_call *c, const cell *k);
/** Their shapes, in setup; their numbers, in forward. */
luron_status rnn_check_holds(const run *r), rnn_check_lengths(const run *r);
/** Of the input rows that are held are zeros: what stands there, NaN too, goes into no gradient. */
void rnn_hold_input(const run *r);
/** After a step forward: rows that are held have the state before it. */
void rnn_hold(const step *k, int64_t at);
/** Around a step backward: what is carried passes rows that are held by. */
void rnn_hold_aside(step *k, int64_t at), rnn_hold_back(const step *k, int64_t at);
/** bool (t, n, 1): places that are not held, or, ends, that are within the lengths alone; NULL: all are. */
luron_tensor *rnn_composed_holds(const run *r, const luron_ops *o, int ends);

/* ---- letters.c ------------------------------------------------------------------------------------------------------- */
/** Is a matrix of `cols` columns beside as many rows as there are steps and sequences small enough to be held turned? */
static inline int rnn_turns(const run *r, int64_t cols) { return cols <= r->t * r->n; }
/** Looks whether the input x (n, t, in) has letters; else r->letters is NULL. */
void rnn_find_letters(run *r, const char *x);
/** Adds gradients of the gates of a step with letters to the rows of r->turned_ih. */
void rnn_add_letters(step *k);
/** The input product of a row of a step. */
static inline const void *rnn_input_row(const step *k, int64_t row) {
    return k->letters ? rnn_at(k->r, k->r->turned_ih, k->letters[row] * k->r->wide) : rnn_at(k->r, k->z, row * k->r->wide);
}

/* ---- types: the callbacks and options of a sequence and of a cell ------------------------------------------------------ */
#define RNN_TYPE_CALLBACKS(k)                                                                                          \
    static luron_status declare(luron_call *c) { return rnn_declare(c, &(k)); }                                        \
    static luron_status setup(luron_call *c) { return rnn_setup(c, &(k)); }                                            \
    static luron_status forward(luron_call *c) { return rnn_forward(c, &(k)); }                                        \
    static luron_status backward(luron_call *c) { return rnn_backward(c, &(k)); }                                      \
    static luron_status compose(luron_call *c, const luron_ops *o) { return rnn_compose(c, o, &(k)); }
#define RNN_SIZES                                                                                                      \
    LURON_OPT_INT_REQ(recurrent, input_size, 1, 1e9, "features in"), LURON_OPT_INT_REQ(recurrent, hidden_size, 1, 1e8, "features of the state")
#define RNN_LAYERS LURON_OPT_INT(recurrent, num_layers, 1, 1, 8, "layers, each over the output of the one before")
#define RNN_BIAS LURON_OPT_BOOL(recurrent, bias, 1, "add biases")
#define RNN_SEQUENCE                                                                                                   \
    LURON_OPT_FLOAT(recurrent, dropout, 0.0, 0, 1, "probability of a 0 between layers, when training"),                \
    LURON_OPT_BOOL(recurrent, bidirectional, 0, "a second direction, from the end; outputs side by side")
#define RNN_GATES                                                                                                      \
    LURON_OPT_CHOICE(recurrent, recurrent_activation, "sigmoid", gate_names, "of the gates; hard_sigmoid is clamp(x / 6 + 1 / 2, 0, 1)")
#define RNN_INITS                                                                                                      \
    LURON_OPT_INITIALISER(recurrent, weight_init, "first weight_ih; nil: uniform within 1 / sqrt(hidden_size)"),       \
    LURON_OPT_INITIALISER(recurrent, recurrent_init, "first weight_hh; nil: as weight_ih"),                            \
    LURON_OPT_INITIALISER(recurrent, bias_init, "first biases; nil: as weight_ih")
#define RNN_TYPE(type_name, text)                                                                                      \
    .struct_size = sizeof(luron_layer_type), .name = type_name, .doc = text, .options_size = sizeof(recurrent),        \
    .declare = declare, .setup = setup, .forward = forward, .backward = backward, .compose = compose
extern const luron_port *const rnn_in[], *const rnn_out[], *const rnn_in_c[], *const rnn_out_c[];         /* sequences */
extern const luron_port *const rnn_cell_in[], *const rnn_cell_out[], *const rnn_cell_in_c[], *const rnn_cell_out_c[];
extern const luron_layer_type rnn_lstm, rnn_gru, rnn_rnn, rnn_lstm_one, rnn_gru_one, rnn_rnn_one;

#endif
