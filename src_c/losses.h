/* losses.h: the kinds of cross-entropy and accuracy. */
#ifndef CYCONV_LOSSES_H
#define CYCONV_LOSSES_H

enum {
    CY_CATEGORICAL, /* target (M,C): a distribution, mostly one-hot */
    CY_SPARSE,      /* target int32 (M): a label */
    CY_BINARY       /* target (M,C): each class by itself */
};

#endif
