/* codes.h: what the numbers mean that stand for a kind in a call's sizes. */
#ifndef CYCONV_CODES_H
#define CYCONV_CODES_H

/* Cross-entropy and accuracy. */
enum {
    CY_CATEGORICAL, /* target (M,C): a distribution, mostly one-hot */
    CY_SPARSE,      /* target int32 (M): a label */
    CY_BINARY       /* target (M,C): each class by itself */
};

/* What `reduce` makes of many values. */
enum { CY_SUM, CY_MAXIMUM, CY_MINIMUM };

#endif
