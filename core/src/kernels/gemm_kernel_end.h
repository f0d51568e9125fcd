/* gemm_kernel_end.h -- undoes what gemm_kernel.h and its includer defined for one vector type. */
#undef VL
#undef VEC
#undef VNAME
#undef FMA
#undef SET1
#undef LOAD_SOME
#undef STORE_SOME
#undef ROWS
#undef ROWS_OF
#undef ROWS_IN
#undef COPYING_6
#undef COPYING_8
#undef PANEL_KERNEL
#undef ROWS_6
#undef ROWS_8
