/* unroll.h -- LURON__UNROLL(n) before a loop over the registers of a tile: up to n turns of it become code without a loop. Under
 * a sanitizer they stay a loop: each turn would have its own checks, and a compiler four times as long to do. */
#ifndef LURON_UNROLL_H
#define LURON_UNROLL_H

#if defined(__SANITIZE_ADDRESS__)
#define LURON__UNROLL(n)
#else
#define LURON__PRAGMA(text) _Pragma(#text)
#define LURON__UNROLL(n) LURON__PRAGMA(GCC unroll n)
#endif

#endif
