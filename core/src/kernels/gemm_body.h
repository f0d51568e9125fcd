/* gemm_body.h -- the blocked matrix product around the kernels of gemm_kernel.h: included once per dtype and
 * instruction set, in two parts. With GEMM_STORE defined: the struct that the kernels need. Then, with
 *
 *   PANELS                 {width, rows of a tile at most, kernel}, widths falling
 *   ONE_ROW                the same for a product of one row with several of the widest panels at once
 *   TRANSPOSE(from, ld, to, panel), TN    writes TN rows of TN numbers at `from` as columns at `to`
 *   COPYING                a kernel as the widest panel's, for five rows and more, that copies the panel too; NULL: none
 *   MOST_WIDTH, LEAST_WIDTH    of the widest and the narrowest panel, but for WIDE
 *   TURNS_ROWS             an a by rows is copied too (luron__gemm_turns_a); TRANSPOSE then writes its columns in order; optional
 *   WIDE, WIDE_COPYING     as one of PANELS, of WIDE_WIDTH numbers and WIDE_ROWS rows, and its COPYING, for six rows and more of products that
 *                          luron__gemm_is_wide; optional
 *
 * a (M,K), b (K,N) -> c (M,N). A is read in place; panels of B are packed where they are not used in place. */
#ifdef GEMM_STORE
/* How one panel of columns is stored: bounds, and what stands in the way of a plain store. */
typedef struct NAME(store) {
    T *c, *acc, *to; /* acc: sums of the blocks so far: a scratch tile or c itself; to: where those of this block go */
    T *copy;         /* a copying kernel leaves the panel of b here, its rows one behind the other */
    const T *add;    /* of a plain store: what is added to the sums, of a bias one row over and over; NULL: nothing */
    const T *bias;
    int64_t ldc, ldacc, ldto, ldadd;
    T beta;
    int cols;         /* of the panel */
    bool first, last; /* block of k */
    bool plain;       /* nothing is in the way: whole rows of sums, or of two things added, are what is stored */
    bool adds;        /* to what is there, and is fetched while the sums are made */
} NAME(store);

/* What the next panel is packed from: fetched while this one is multiplied. */
typedef struct NAME(ahead) {
    const T *row;
    int64_t ld, rows;    /* rows that are left */
    int64_t lines, line; /* of 64 bytes, in a row; the next one of this row */
    int64_t each;        /* lines to fetch beside a tile; 0: nothing */
} NAME(ahead);

static LURON__ONCE void NAME(fetch)(NAME(ahead) * a) {
    const T *row = a->row;
    int64_t rows = a->rows, line = a->line;
    for (int64_t i = a->each, lines = a->lines, ld = a->ld; i > 0 && rows > 0; i--) {
        __builtin_prefetch((const char *)row + line * 64, 0, 2);
        if (++line == lines) line = 0, row += ld, rows--;
    }
    a->row = row, a->rows = rows, a->line = line;
}

/* Tiles of so many rows each, from row `shorter` on of one less, from `row` to `end` and from `col` of what is stored; `step`
 * numbers of a from one to the next, `each` from row to row. */
typedef struct NAME(tiles) {
    int rows, col;
    int64_t row, shorter, end, step, each;
    NAME(ahead) * ahead; /* some of it is fetched beside each tile */
} NAME(tiles);

typedef void NAME(kernel)(const NAME(tiles) * t, bool trans_a, int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb,
                          int64_t next, const NAME(store) * s);
typedef struct NAME(panel) {
    int width, rows;
    NAME(kernel) * kernel;
} NAME(panel);

/* What a tile is added to once its sums are done: rows far apart, fetched while they are computed. */
static LURON__ONCE void NAME(fetch_c)(const NAME(store) * s, int64_t row, int col, int rows) {
    bool more = s->last && s->beta != 0;
    const T *c = (more ? s->c + row * s->ldc : s->acc + row * s->ldacc) + col;
    for (int r = 0; r < rows; r++, c += more ? s->ldc : s->ldacc)
        for (int at = 0; at < s->cols; at += 64 / (int)sizeof(T))
            __builtin_prefetch(c + at, 1);
}
/* How many tiles of at most `most` rows, and the rows of each: the longer ones first. */
typedef struct NAME(split) {
    int64_t n, each, longer;
} NAME(split);
static inline NAME(split) NAME(split_of)(int64_t size, int64_t most) {
    if (size <= most) return (NAME(split)){1, size, 0};
    int64_t n = (size + most - 1) / most;
    return (NAME(split)){n, size / n, size % n};
}
#undef GEMM_STORE
#else

static const NAME(panel) NAME(panels)[] = PANELS, NAME(one_row) = ONE_ROW;
static const int NAME(widths)[LURON__GEMM_WIDTHS] = WIDTHS;
#ifdef WIDE
static const NAME(panel) NAME(wide) = WIDE;
#else
#define WIDE_WIDTH MOST_WIDTH
#define WIDE_ROWS NAME(panels)[0].rows
#define WIDE_COPYING NULL
#endif
#define MOST_SHORT (1024 / (int)sizeof(T)) /* numbers of a row that are short */

/* n rows, `ld` apart, of `width` numbers; width is a constant where this is inlined. */
static inline __attribute__((always_inline)) void NAME(copy_rows)(const T *from, int64_t ld, int64_t n, const int width,
                                                                  T *to) {
    for (int64_t i = 0; i < n; i++, from += ld, to += width)
        LURON__UNROLL(8)
        for (int c = 0; c < width; c += LEAST_WIDTH) {
            __attribute__((vector_size(LEAST_WIDTH * sizeof(T)))) T v;
            memcpy(&v, from + c, sizeof v);
            memcpy(to + c, &v, sizeof v);
        }
}

/* Rows k .. k + n of the panel of columns j .. j + cols of op(b), as n rows of `width` numbers, filled up with zeros.
 */
static void NAME(pack_panel)(const luron__gemm_args *g, int64_t k, int64_t n, int64_t j, int cols, int width, T *to) {
    const T *b = g->b;
    if (!(g->flags & LURON_TRANS_B)) {
        const T *from = b + k * g->ldb + j;
        if (cols == MOST_WIDTH) {
            NAME(copy_rows)(from, g->ldb, n, MOST_WIDTH, to);
            return;
        }
        if (cols == WIDE_WIDTH) {
            NAME(copy_rows)(from, g->ldb, n, WIDE_WIDTH, to);
            return;
        }
        for (int64_t i = 0; i < n; i++, from += g->ldb, to += width) {
            for (int c = 0; c < cols; c++)
                to[c] = from[c];
            for (int c = cols; c < width; c++)
                to[c] = 0;
        }
        return;
    }
    const T *from = b + j * g->ldb + k;
    int64_t i = 0, whole = n - n % TN;
    int c = 0;
    for (; c + TN <= cols; c += TN)
        for (i = 0; i < whole; i += TN)
            TRANSPOSE(from + c * g->ldb + i, g->ldb, to + i * width + c, width);
    for (i = 0; i < n; i++) {
        int first = i < whole ? c : 0;
        for (int at = first; at < cols; at++)
            to[i * width + at] = from[at * g->ldb + i];
        for (int at = cols; at < width; at++)
            to[i * width + at] = 0;
    }
}

static void NAME(pack)(const luron__gemm_args *g, void *to) {
    T *at = to;
    for (int64_t j = 0; j < g->n;) {
        int width = NAME(widths)[luron__gemm_width(NAME(widths), g->n - j)];
        NAME(pack_panel)(g, 0, g->k, j, g->n - j < width ? (int)(g->n - j) : width, width, at);
        at += g->k * width;
        j += width;
    }
}

static NAME(ahead) NAME(look_ahead)(const luron__gemm_args *g, int64_t k, int64_t n, int64_t j, int64_t cols, int64_t tiles) {
    bool trans_b = (g->flags & LURON_TRANS_B) != 0;
    int64_t rows = trans_b ? cols : n, lines = ((trans_b ? n : cols) * (int64_t)sizeof(T) + 63) / 64;
    return (NAME(ahead)){.row = (const T *)g->b + (trans_b ? j * g->ldb + k : k * g->ldb + j),
                         .ld = g->ldb,
                         .rows = rows,
                         .lines = lines,
                         .each = (rows * lines + tiles - 1) / tiles};
}

/* What of a product is computed at once: rows m0 .. m1, blocks of k from `block` to `end`. */
typedef struct NAME(part) {
    const luron__gemm_args *g;
    const NAME(panel) *widest; /* of the panels, or what is wider */
    int64_t m0, m1, block, end;
    NAME(split) blocks; /* of all k */
    const T *turned; /* op(a) of these, as the widest panels' tiles read it; NULL: a itself is read */
    T *work;
} NAME(part);

/* Is A more than stays near while panels of B pass by? */
static inline bool NAME(is_far)(const NAME(part) * part) {
    return (part->m1 - part->m0) * part->g->k * (int64_t)sizeof(T) > LURON__GEMM_MANY;
}

/* n rows of `tiles` times `rows` numbers, `ld` apart, as tiles; rows is a constant where this is inlined. */
static inline __attribute__((always_inline)) void NAME(turn_tiles)(const T *from, int64_t ld, int64_t n, int64_t tiles,
                                                                   const int rows, T *to) {
    enum { FEW = 8 }; /* rows: that a cache holds, however far apart they are */
    for (int64_t i = 0; i < n; i += FEW, from += FEW * ld, to += FEW * rows)
        for (int64_t tile = 0; tile < tiles; tile++) {
            const T *line = from + tile * rows;
            T *at = to + tile * n * rows;
            for (int64_t k = i; k < i + FEW && k < n; k++, line += ld, at += rows) {
                __builtin_prefetch(line + (k + FEW < n) * FEW * ld); /* short rows are no stream that a processor would see */
                memcpy(at, line, (size_t)rows * sizeof(T));
            }
        }
}

#ifdef TURNS_ROWS
/* `left` rows of n numbers, `ld` apart, as those tiles. TN rows are turned at once: of what that writes behind a tile's own the
 * next ones are written over; a tile behind which there are not so many rows is written number by number. */
static LURON__ONCE void NAME(turn_rows)(const T *from, int64_t ld, int64_t n, NAME(split) tiles, int64_t left, T *to) {
    for (int64_t tile = 0; tile < tiles.n; tile++) {
        int64_t rows = tiles.each + (tile < tiles.longer), turned = (rows + TN - 1) / TN * TN;
        int64_t whole = left < turned ? 0 : n / TN * TN;
        for (int64_t i = 0; i < whole; i += TN)
            for (int64_t r = turned - TN; r >= 0; r -= TN)
                TRANSPOSE(from + r * ld + i, ld, to + i * rows + r, rows);
        for (int64_t i = whole; i < n; i++)
            for (int64_t r = 0; r < rows; r++)
                to[i * rows + r] = from[r * ld + i];
        left -= rows, from += rows * ld, to += rows * n;
    }
}
#endif

/* An a whose numbers for one tile lie far apart, as tiles one behind the other, each by rising k. */
static void NAME(turn)(const NAME(part) * part, int64_t k, int64_t n, T *to) {
    const luron__gemm_args *g = part->g;
    NAME(split) tiles = NAME(split_of)(part->m1 - part->m0, part->widest->rows);
#ifdef TURNS_ROWS
    if (!(g->flags & LURON_TRANS_A)) {
        NAME(turn_rows)((const T *)g->a + part->m0 * g->lda + k, g->lda, n, tiles, part->m1 - part->m0, to);
        return;
    }
#endif
    const T *from = (const T *)g->a + k * g->lda + part->m0;
    const int most = NAME(panels)[0].rows;
    for (int i = 1; i >= 0; i--) { /* the longer ones, then the others */
        int rows = (int)tiles.each + i;
        int64_t many = i ? tiles.longer : tiles.n - tiles.longer;
        if (rows == most)
            NAME(turn_tiles)(from, g->lda, n, many, most, to);
        else if (rows == most - 1)
            NAME(turn_tiles)(from, g->lda, n, many, most - 1, to);
        else if (rows == WIDE_ROWS)
            NAME(turn_tiles)(from, g->lda, n, many, WIDE_ROWS, to);
        else
            NAME(turn_tiles)(from, g->lda, n, many, rows, to);
        from += many * rows, to += many * rows * n;
    }
}

/* Rows of a and of c, of which a cache may know nothing: short ones are no stream that it would see. */
static inline void NAME(fetch_rows)(const T *a, int64_t lda, T *c, int64_t ldc, int64_t rows, int64_t k, int64_t n) {
    for (int64_t r = 0; r < rows; r++, a += lda, c += ldc) {
        for (int64_t i = 0; i < k; i += 64 / (int)sizeof(T))
            __builtin_prefetch(a + i);
        for (int64_t i = 0; i < n; i += 64 / (int)sizeof(T))
            __builtin_prefetch(c + i, 1);
    }
}

/* Packs n rows from k on, of a block, of the columns from j on, unless the kernel of the first rows copies them.
 * @return what is to be fetched beside the tiles: what is packed next. */
static LURON__ONCE NAME(ahead) NAME(pack_panels)(const NAME(part) * part, int64_t block, int64_t k, int64_t n, int64_t j,
                                                  int cols, int width, bool copies) {
    const luron__gemm_args *g = part->g;
    int64_t left = g->n - j - cols, blocks = part->end - part->block,
            tiles = NAME(split_of)(part->m1 - part->m0, part->widest->rows).n * ((cols + width - 1) / width);
    for (int c = 0; c < cols && !copies; c += width)
        NAME(pack_panel)(g, k, n, j + c, cols - c < width ? cols - c : width, width, part->work + c * n);
    if (block + 1 < part->end) {
        int64_t more = part->blocks.each + (block + 1 < part->blocks.longer);
        return NAME(look_ahead)(g, k + n, more, j, cols, tiles);
    }
    if (left <= 0) return (NAME(ahead)){0};
    return NAME(look_ahead)(g, blocks > 1 ? 0 : k, n, j + cols, left < cols ? left : cols, tiles);
}

/* How columns j .. j + cols are stored, but for what changes from block to block. */
static inline NAME(store) NAME(store_of)(const NAME(part) * part, int64_t j, int cols, const NAME(panel) * p) {
    const luron__gemm_args *g = part->g;
    NAME(store)
    s = {.c = (T *)g->c + part->m0 * g->ldc + j,
         .bias = g->bias ? (const T *)g->bias + j : NULL,
         .ldc = g->ldc,
         .beta = (T)g->beta,
         .cols = cols < p->width ? cols : p->width};
    s.acc = s.c, s.ldacc = s.ldc;
    if (s.beta != 0 || part->end - part->block > 1) {
        s.acc = part->work + luron__gemm_panel_work(g) / (int64_t)sizeof(T);
        s.ldacc = cols < p->width ? p->width : cols;
    }
    return s;
}

/* The `cols` columns from j on: of one panel, or of several full ones, which take turns at each group of tiles of A: then A,
 * where it is more than a cache holds, comes from afar once for all of them. */
static void NAME(multiply_panels)(const NAME(part) * part, int64_t j, int cols, const NAME(panel) * p, bool in_place) {
    const luron__gemm_args *g = part->g;
    const T *turned = p == part->widest || part->widest != NAME(panels) ? part->turned : NULL; /* every panel has 3 and 4 rows */
    bool trans_a = turned || g->flags & LURON_TRANS_A, trans_b = (g->flags & LURON_TRANS_B) != 0;
    int width = p->width < part->widest->width ? p->width : part->widest->width;
    NAME(kernel) *copying = p != part->widest ? NULL : p == NAME(panels) ? COPYING : WIDE_COPYING;
    NAME(store) s = NAME(store_of)(part, j, cols, p);
    NAME(split) tiles = NAME(split_of)(part->m1 - part->m0, turned ? part->widest->rows : p->rows), blocks = part->blocks;
    int64_t k = part->block * blocks.each + (part->block < blocks.longer ? part->block : blocks.longer);
    bool packs = !g->packed && !in_place;
    bool copies = copying && packs && !trans_b && s.cols == p->width && tiles.n > 1;
    for (int64_t block = part->block; block < part->end; block++) {
        int64_t n = blocks.each + (block < blocks.longer), ldb = width, next = n * width, step = next;
        const T *given = g->packed ? NULL : (const T *)g->b + (trans_b ? j * g->ldb + k : k * g->ldb + j), *b = part->work;
        NAME(ahead) ahead = {0};
        if (g->packed)
            b = (const T *)g->packed + j * g->k + k * width, step = next = g->k * width; /* panels before j are full */
        else if (in_place)
            b = given, ldb = g->ldb, step = p->width, next = width;
        else
            ahead = NAME(pack_panels)(part, block, k, n, j, cols, width, copies);
        s.first = block == 0, s.last = block == blocks.n - 1;
        bool more = s.last && s.beta != 0;
        const T *bias = s.last ? s.bias : NULL;
        s.adds = !s.first || more;
        s.plain = s.cols == p->width && !(bias && s.adds) && (!more || (s.first && s.beta == 1));
        s.add = !s.adds ? bias : more ? s.c : s.acc, s.ldadd = !s.adds ? 0 : more ? s.ldc : s.ldacc;
        s.to = s.last ? s.c : s.acc, s.ldto = s.last ? s.ldc : s.ldacc;
        /* tiles after each other go to the kernel at once, of a that is copied those of one height; of panels that take turns, so
         * many that the second cache holds their A: each panel then comes into the first one once for all of them */
        int64_t group = tiles.n;
        if (cols > p->width && NAME(is_far)(part)) group = 1;
        if (cols > p->width && turned) group = LURON__GEMM_GROUP / (tiles.each * n * (int64_t)sizeof(T) + 1) + 1;
        for (int64_t tile = 0, row = 0; tile < tiles.n;) {
            bool longer = tile < tiles.longer, copied = copies && tile == 0;
            bool first = g->m > LURON__GEMM_M && j == 0 && !trans_a && n <= MOST_SHORT && tile + 1 < tiles.n;
            int64_t alike = copied || first ? 1 : longer && turned ? tiles.longer - tile : tiles.n - tile;
            if (alike > group) alike = group;
            const int rows = (int)tiles.each + longer;
            const int64_t last = tile + alike, shorter = longer ? tiles.longer * rows : -1,
                          end = last * tiles.each + (last < tiles.longer ? last : tiles.longer);
            const T *a = (const T *)g->a + (trans_a ? k * g->lda + part->m0 + row : (part->m0 + row) * g->lda + k);
            if (turned) a = turned + row * n;
            int64_t lda = turned ? rows : g->lda, each = turned ? n : trans_a ? 1 : lda;
            NAME(tiles) t = {rows, 0, row, shorter, end, rows * each, each, &ahead};
            if (first)
                NAME(fetch_rows)
                (a + t.step, lda, s.c + t.end * s.ldc, s.ldc, tiles.each, n, g->n > MOST_SHORT ? 0 : g->n);
            for (int64_t at = 0; t.col < cols; t.col += p->width, at += step) {
                s.copy = part->work + at;
                if (copied) copying(&t, trans_a, n, a, lda, given + t.col, g->ldb, next, &s);
                else p->kernel(&t, trans_a, n, a, lda, b + at, ldb, next, &s);
            }
            tile += alike, row = t.end;
        }
        k += n;
    }
}

static void NAME(multiply)(const NAME(part) * part, int64_t n0, int64_t n1) {
    const luron__gemm_args *g = part->g;
    int64_t rows = part->m1 - part->m0;
    bool in_order = !g->packed && !(g->flags & LURON_TRANS_B);
    /* Of short rows far apart, or a power of two apart, a cache holds few. */
    bool small = MOST_WIDTH * sizeof(T) > 128 && g->ldb * (int64_t)sizeof(T) % 1024 != 0 &&
                 g->k * g->ldb * (int64_t)sizeof(T) < LURON__GEMM_IN_PLACE_B;
    bool far = rows > 8 && g->ldb * (int64_t)sizeof(T) >= LURON__GEMM_FAR;
    bool together = (rows <= part->widest->rows && (g->packed || in_order)) || (g->packed && g->k <= LURON__GEMM_K) || NAME(is_far)(part);
    int many = together ? LURON__GEMM_PANEL / (part->widest->width * (int)sizeof(T)) : 1;
    for (int64_t j = n0; j < n1;) {
        const NAME(panel) *p = &NAME(panels)[luron__gemm_width(NAME(widths), n1 - j)];
        if (rows == 1 && (g->packed || in_order) && n1 - j >= NAME(one_row).width) p = &NAME(one_row);
        /* 25 to 32 columns are two of the others, without loss */
        if (part->widest != NAME(panels) && (n1 - j > WIDE_WIDTH + LEAST_WIDTH || (n1 - j <= WIDE_WIDTH && n1 - j > MOST_WIDTH)))
            p = part->widest;
        int cols = n1 - j < p->width ? (int)(n1 - j) : p->width;
        bool in_place = in_order && cols == p->width && (small || (rows <= LURON__GEMM_IN_PLACE_M && !far));
        for (int more = 1; more < many && p == part->widest && n1 - j - cols >= p->width; more++)
            cols += p->width;
        NAME(multiply_panels)(part, j, cols, p, in_place);
        j += cols < p->width ? p->width : cols;
    }
}

static void NAME(tile)(const luron__gemm_args *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, void *work) {
    NAME(split) blocks = NAME(split_of)(g->k, LURON__GEMM_K);
    NAME(part) part = {.g = g, .widest = NAME(panels), .m0 = m0, .m1 = m1, .blocks = blocks, .end = blocks.n, .work = work};
#ifdef WIDE
    if (luron__gemm_is_wide(g) && m1 - m0 > 5) part.widest = &NAME(wide);
#endif
    if (!luron__gemm_turns_a(g)) {
        NAME(multiply)(&part, n0, n1);
        return;
    }
    T *turned = (T *)work + luron__gemm_tile_work(g) / (int64_t)sizeof(T);
    part.turned = turned;
    for (int64_t block = 0, k = 0; block < blocks.n; block++) {
        int64_t n = blocks.each + (block < blocks.longer);
        NAME(turn)(&part, k, n, turned);
        part.block = block, part.end = block + 1;
        NAME(multiply)(&part, n0, n1);
        k += n;
    }
}

#undef PANELS
#undef WIDTHS
#undef ONE_ROW
#undef COPYING
#undef MOST_SHORT
#undef TRANSPOSE
#undef TN
#undef TURNS_ROWS
#undef WIDE
#undef WIDE_WIDTH
#undef WIDE_ROWS
#undef WIDE_COPYING
#undef MOST_WIDTH
#undef LEAST_WIDTH
#endif
