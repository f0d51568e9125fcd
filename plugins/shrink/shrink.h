/* shrink.h -- the types of this plugin, each written as those of activation are. */
#ifndef SHRINK_H
#define SHRINK_H
#include "../activation/activation.h"

#define SHRINKS(X)                                                                                                     \
    X(hardshrink)                                                                                                      \
    X(softshrink) X(tanhshrink) X(threshold) X(logsigmoid) X(celu) X(squareplus) X(sparse_plus) X(sparse_sigmoid)      \
        X(exponential)
SHRINKS(ACTIVATION_DECLARE)
#endif
