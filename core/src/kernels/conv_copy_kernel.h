/* conv_copy_kernel.h -- what a band reads, copied with zeros around it and split by place modulo the step
 * (kernels/conv_part.h), and the way back; included by conv_kernel.h for one vector type of each dtype, with
 *
 *   EVENS(a, b), ODDS(a, b)    every second number of two vectors side by side
 *   ZIP(a, b, h)               numbers of a and b in turn, the lower (h 0) or upper (1) half of them
 *
 * Lines are written in ascending order, in whole vectors that reach into what is written next: behind the last line
 * there is room for one. */

/* n numbers side by side; vectors may overlap. */
static inline void VNAME(copy_run)(const T *from, int64_t n, T *to) {
    if (n < VL) {
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i];
        return;
    }
    for (int64_t i = 0; i + VL <= n; i += VL)
        VNAME(store)(to + i, VNAME(load)(from + i));
    if (n % VL) VNAME(store)(to + n - VL, VNAME(load)(from + n - VL));
}

/* Every second of 2n numbers, the first of each two or (odd) the second. */
static inline void VNAME(copy_halves)(const T *from, int64_t n, bool odd, T *to) {
    if (n < VL) {
        for (int64_t i = 0; i < n; i++)
            to[i] = from[2 * i + odd];
        return;
    }
    for (int64_t i = 0; i < n; i = i + VL < n && n < i + 2 * VL ? n - VL : i + VL) {
        const VEC a = VNAME(load)(from + 2 * i), b = VNAME(load)(from + 2 * i + VL);
        VNAME(store)(to + i, odd ? ODDS(a, b) : EVENS(a, b));
    }
}

/* Of a line of the copy: places first, first + step ... of the tensor's line, of which low .. high are in it. */
typedef struct VNAME(span) {
    int64_t first, low, high;
} VNAME(span);
static VNAME(span) VNAME(span_of)(const luron__conv_part *p, const luron__conv_band *b, int64_t kind) {
    const luron__conv_axis *w = &p->d[2];
    VNAME(span) s = {.first = b->at[2] * w->step + w->first + kind};
    s.low = s.first < 0 ? luron__least(p->wide, luron__ceil_div(-s.first, w->step)) : 0;
    s.high = s.first < w->source ? luron__least(p->wide, (w->source - 1 - s.first) / w->step + 1) : 0;
    s.high = luron__most(s.low, s.high);
    return s;
}

/* A line of `wide` numbers from one of `size`, or zeros: from NULL. */
static inline __attribute__((always_inline)) void VNAME(copy_line)(const T *from, int64_t size, int64_t step,
                                                                   const VNAME(span) s, int64_t wide, T *to) {
    const int64_t low = from ? s.low : 0, high = from ? s.high : 0, n = high - low;
    VEC none = {0};
    KEEP(none); /* what is written is a vector or two: no call of memset */
    for (int64_t i = 0; i < low; i += VL)
        VNAME(store)(to + i, none);
    if (n > 0) {
        const int64_t at = s.first + low * step, behind = size - at; /* numbers of the line from `at` on */
        if (step == 1)
            VNAME(copy_run)(from + at, n, to + low);
        else if (step == 2 && (behind >= 2 * n || at > 0))
            VNAME(copy_halves)(from + at - (behind < 2 * n), n, behind < 2 * n, to + low);
        else
            for (int64_t i = 0; i < n; i++)
                to[low + i] = from[at + i * step];
    }
    for (int64_t i = high; i < wide; i += VL)
        VNAME(store)(to + i, none);
}

/* The lines of one channel and depth; plane NULL: it lies in the padding. The next one is wanted soon: it begins a page
 * of its own, or is read by every second line, where processors do not look ahead. */
static inline __attribute__((always_inline)) void VNAME(copy_plane)(const luron__conv_part *p,
                                                                    const luron__conv_band *b, const int64_t step,
                                                                    const T *plane, const T *next,
                                                                    const VNAME(span) * spans, T *to) {
    enum { LINE = 64 / (int)sizeof(T) };
    const luron__conv_axis *h = &p->d[1];
    const int64_t size = p->d[2].source, splits = p->d[2].splits, wide = p->wide;
    const int64_t low = spans[0].low, high = spans[0].high, n = high - low, at = spans[0].first + low * step;
    const bool is_simple = step == 1 && low <= VL && wide - high <= VL && n > 0 && n % VL == 0; /* as most lines are */
    VEC none = {0};
    KEEP(none);
    for (int64_t kind = 0; kind < h->splits; kind++)
        for (int64_t i = 0; i < p->high; i++) {
            const int64_t y = (b->at[1] + i) * h->step + h->first + kind;
            const T *line = plane && y >= 0 && y < h->source ? plane + y * size : NULL;
            if (line && next)
                for (int64_t k = 0; k < size; k += LINE)
                    __builtin_prefetch(next + y * size + k);
            if (is_simple && line) {
                VNAME(store)(to, none);
                for (int64_t k = 0; k < n; k += VL)
                    VNAME(store)(to + low + k, VNAME(load)(line + at + k));
                VNAME(store)(to + high, none);
                to += wide;
                continue;
            }
            for (int64_t k = 0; k < splits; k++, to += wide)
                VNAME(copy_line)(line, size, step, k < 2 ? spans[k] : VNAME(span_of)(p, b, k), wide, to);
        }
}

static void VNAME(copy)(const luron__conv_part *p, const luron__conv_band *b, const void *x, void *copy) {
    const luron__conv_axis *d = p->d;
    const int64_t lines = d[1].source * d[2].source, step = d[2].step;
    const VNAME(span) spans[2] = {VNAME(span_of)(p, b, 0), VNAME(span_of)(p, b, 1)};
    const T *from = (const T *)x + (b->image * p->g->groups + b->group) * p->channels * d[0].source * lines;
    T *to = copy;
    for (int64_t c = 0; c < p->channels; c++, from += d[0].source * lines)
        for (int64_t k = 0; k < d[0].kernel; k++) {
            int64_t offset;
            if (!luron__conv_tap_at(&d[0], k, &offset)) continue;
            const int64_t z = b->at[0] * d[0].step + offset;
            const T *plane = z < 0 || z >= d[0].source ? NULL : from + z * lines;
            const T *next = plane && c + 1 < p->channels ? plane + d[0].source * lines : NULL;
            if (step == 1)
                VNAME(copy_plane)(p, b, 1, plane, next, spans, to);
            else if (step == 2)
                VNAME(copy_plane)(p, b, 2, plane, next, spans, to);
            else
                VNAME(copy_plane)(p, b, step, plane, next, spans, to);
            to += p->plane;
        }
}

/* n numbers of `even` and `odd` in turn, plus beta times what was there. */
static void VNAME(zip)(const void *evens, const void *odds, int64_t n, double beta, void *line) {
    const T *even = evens, *odd = odds;
    T *to = line;
    int64_t i = 0;
    for (; 2 * (i + VL) <= n; i += VL, to += 2 * VL) {
        const VEC a = VNAME(load)(even + i), b = VNAME(load)(odd + i);
        VEC low = ZIP(a, b, 0), high = ZIP(a, b, 1);
        if (beta != 0) low = low + (T)beta * VNAME(load)(to), high = high + (T)beta * VNAME(load)(to + VL);
        VNAME(store)(to, low);
        VNAME(store)(to + VL, high);
    }
    for (i *= 2; i < n; i++, to++) {
        const T s = (i % 2 ? odd : even)[i / 2];
        *to = beta == 0 ? s : s + (T)beta * *to;
    }
}
