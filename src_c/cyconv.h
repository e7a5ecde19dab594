/* cyconv.h: everything that the outside (Cython) sees of the C kernels.
 *
 * A kernel takes one cy_call: pointers to its operands, sizes, real attributes, scratch.
 * A plan is an array of cy_calls; cy_run walks it. That is the whole engine.
 *
 * Axis names, used in every file below src_c/:
 *   N batch    D, H, W depth, height, width of an image (missing ones are 1)
 *   C input channels    K output channels    G groups
 *   T, R, S depth, height, width of a kernel window
 * Images are (N, D, H, W, C), convolution kernels (T, R, S, C/G, K), all contiguous, last axis fastest.
 */
#ifndef CYCONV_H
#define CYCONV_H
#include <stddef.h>
#include <stdint.h>

/* The list of operations. Each line: name, and its operands p[] in order (inputs, then outputs;
 * "|0" may be NULL, "+=" is added to, everything else on the right of the arrow is overwritten).
 * The sizes n[] and attributes a[] of each are in the comment above its textbook loop in naive/. */
#define CY_OPERATIONS(X) \
    X(convolution)                 /* x kernel bias|0 residual|0 -> y; further ones, see below  */ \
    X(convolution_input_gradient)  /* dy kernel bias|0 -> dx, += if n[24]                       */ \
    X(convolution_kernel_gradient) /* x dy -> dkernel+= dbias|0+=                               */ \
    X(convolution_winograd)        /* the same three by another algorithm, where the window is  */ \
    X(convolution_input_gradient_winograd)  /* 3x3, with stride, dilation and groups of 1; an   */ \
    X(convolution_kernel_gradient_winograd) /* operand more: see beside, below                  */ \
    X(max_pool)                    /* x -> y switches(int32)|0                                  */ \
    X(max_pool_gradient)           /* dy switches(int32) -> dx, += if n[22]                     */ \
    X(average_pool)                /* x -> y                                                    */ \
    X(average_pool_gradient)       /* dy -> dx                                                  */ \
    X(batch_norm)   /* x gamma|0 beta|0 residual|0 -> moving_mean moving_var y mean inv_std; moments|0 */ \
    X(batch_norm_inference) /* x gamma|0 beta|0 residual|0 moving_mean moving_var -> y inv_std */ \
    X(batch_norm_gradient)  /* x dy y|0 gamma|0 mean inv_std -> dx|0 dz|0 dgamma|0+= dbeta|0+=; beta|0 */ \
    X(upsample)                    /* x -> y                                                    */ \
    X(upsample_gradient)           /* dy -> dx                                                  */ \
    X(matmul)                      /* a b bias|0 -> c                                           */ \
    X(activation)                  /* x -> y                                                    */ \
    X(activation_gradient)         /* dy x|0 y|0 -> dx                                          */ \
    X(softmax)                     /* x -> y                                                    */ \
    X(softmax_gradient)            /* dy y -> dx                                                */ \
    X(dropout)                     /* x state(uint64) -> y                                      */ \
    X(random)                      /* state(uint64) -> y                                        */ \
    X(binary)                      /* a b -> y                                                  */ \
    X(map)                         /* inputs... -> outputs..., by the instructions in code      */ \
    X(reduce)                      /* x -> y                                                    */ \
    X(copy)                        /* x -> y (a part of it)                                     */ \
    X(fill)                        /* -> y                                                      */ \
    X(cross_entropy)               /* prediction target weight|0 -> losses gradient|0           */ \
    X(accuracy)                    /* prediction target -> matches                              */ \
    X(sgd)                         /* gradient hyper -> w+= momentum|0                          */ \
    X(adam)                        /* gradient hyper -> w+= m v                                 */

/* By Winograd's algorithm, x or dx may be two arrays with the channels of one behind the other's: n[23] in the
 * operand x or dx, the others in `beside`, an operand more behind those above (|0: there is one array). The forward
 * one may measure its y in passing, for batch_norm: another operand, moments|0, gets n[24] rows (3, n[25]): of some
 * pixels their number (0: an empty row), and for each channel mean and sum of squared differences from it.
 *
 * With n[26] a convolution over planes (D = 1) pools: y and a last operand, switches(int32)|0, are what max_pool with
 * windows of 2x2 and strides of 2 would make of it. The geometry is that of the convolution. */

/* Activations. Those before CY_NEEDS_INPUT have a derivative that follows from the output y alone
 * (so x need not be kept); the others take it from the input x. a[0] is alpha where there is one. */
/* clang-format off */
#define CY_ACTIVATIONS(X) \
    X(linear) X(relu) X(relu6) X(leaky_relu) X(elu) X(selu) X(tanh) X(sigmoid) X(hard_sigmoid) \
    X(hard_tanh) X(exponential) X(softplus) X(softsign) X(log_sigmoid) \
    X(silu) X(gelu) X(gelu_tanh) X(mish) X(hard_silu)
/* clang-format on */

#define CY_BINARIES(X) X(add) X(subtract) X(multiply) X(maximum) X(minimum)

/* What an instruction of a formula (operation `map`) does: register d = f(register a, b, c). An input is
 * element i of operand a; a constant has its double's bits in place of a. Comparisons give 1 or 0. */
/* clang-format off */
#define CY_FUNCTIONS(X) \
    X(input) X(constant) \
    X(add) X(subtract) X(multiply) X(divide) X(maximum) X(minimum) X(power) X(less) X(less_equal) X(equal) \
    X(where) X(negative) X(absolute) X(sign) X(floor) X(sqrt) X(exp) X(expm1) X(log) X(log1p) X(tanh) \
    X(sin) X(cos)
/* clang-format on */

#define CY_OP_ENUM(name) CY_OP_##name,
#define CY_ACT_ENUM(name) CY_ACT_##name,
#define CY_BIN_ENUM(name) CY_BIN_##name,
#define CY_FUN_ENUM(name) CY_FUN_##name,
enum { CY_OPERATIONS(CY_OP_ENUM) CY_OPS };
enum { CY_ACTIVATIONS(CY_ACT_ENUM) CY_ACTS, CY_NEEDS_INPUT = CY_ACT_silu };
enum { CY_BINARIES(CY_BIN_ENUM) CY_BINS };
enum { CY_FUNCTIONS(CY_FUN_ENUM) CY_FUNS };

/* Levels: the textbook loops, then one compilation of fast/ per instruction set. */
enum { CY_NAIVE, CY_BASE, CY_AVX2, CY_AVX512, CY_LEVELS };
enum { CY_FLOAT32, CY_FLOAT64, CY_TYPES };

/* Geometry of a convolution or pooling (for pooling K == C, G == 1): the first 22 sizes of a call.
 * in, out, win = (D,H,W) of x, of y, of the window; pad = zeros before the first element of an axis
 * (those behind it follow from out). Input position of output o and tap t: o*stride + t*dilation - pad. */
typedef struct {
    ptrdiff_t N, C, K, G;
    ptrdiff_t in[3], out[3], win[3], stride[3], pad[3], dilation[3];
} cy_conv;
enum { CY_CONV_SIZES = 22 };

enum { CY_MAX_OPERANDS = 12, CY_MAX_SIZES = 28, CY_MAX_ATTRIBUTES = 8 };
enum { CY_MAX_AXES = 6, CY_MAX_REGISTERS = 32, CY_INSTRUCTION = 5 };

typedef struct cy_call cy_call;
typedef void (*cy_kernel)(const cy_call *call);
typedef size_t (*cy_workspace)(const cy_call *call);

struct cy_call {
    cy_kernel kernel;
    void *p[CY_MAX_OPERANDS];
    ptrdiff_t n[CY_MAX_SIZES];
    double a[CY_MAX_ATTRIBUTES];
    const int64_t *code; /* of a map: see naive/map.inc */
    void *work; /* scratch of the kernel's own cy_workspace() bytes, 64-byte aligned */
    int threads; /* the most threads it may use; scratch was sized for this number */
};

/* A kernel and the function that tells its scratch size (NULL: none). */
typedef struct {
    cy_kernel run;
    cy_workspace work;
} cy_entry;

/* The kernel of operation `op` for element type `type` at `level`; a level that has no form of its
 * own for it gives the textbook loop. */
cy_entry cy_find(int op, int type, int level);

/* The best level this processor runs; 1 if it runs `level`. */
int cy_best_level(void);
int cy_has_level(int level);

/* How the runs of a plan went, with a team and alone (company.c); begins as zeros. */
enum { CY_COMPARED = 5 };
typedef struct {
    double took[2][CY_COMPARED]; /* seconds of the latest runs: [0] together, [1] alone */
    unsigned runs[2];
    int alone; /* how it goes between trials */
    int trial; /* runs of a trial still to come */
    int slow; /* how many of those that count were clearly slower */
    int rest; /* runs until the next trial, at least */
    int sure; /* how often, one after the other, the same way won clearly */
    double spent, due; /* seconds that the trial took; when the next one may begin */
} cy_company;

/* Whether the next run goes alone; a run has taken so long, and it is now so late. */
int cy_goes_alone(const cy_company *company);
void cy_ran(cy_company *company, double seconds, double now);

/* Runs calls[0..count) in order, on threads as `company` has learned, unless NULL: then as each call says. Adds the
 * seconds that each call took to seconds[0..count), unless NULL. */
void cy_run(const cy_call *calls, ptrdiff_t count, cy_company *company, double *seconds);

/* Rows of `bytes` bytes, `count` of them from `from` on, that a step wants in `to`. */
typedef struct {
    const char *from;
    char *to;
    size_t bytes;
    ptrdiff_t count;
} cy_fed;

/* What changes from one step of a plan to the next (batches.c); NULL: nothing of the kind. */
typedef struct {
    ptrdiff_t steps, batch;
    const cy_fed *fed;
    int feds;
    const int64_t *rows; /* (steps, batch) */
    uint64_t *drawn; /* one more with each step */
    char *hyper; /* what the optimiser reads, and what that is in each step */
    const char *hypers;
    size_t hyper_bytes;
    const void *const *number; /* loss and metrics, doubles if `wide`, else floats */
    int numbers, wide;
    double *noted; /* (steps, numbers): what they were after each step */
} cy_batches;

/* Runs the calls once for each step. */
void cy_run_batches(const cy_call *calls, ptrdiff_t count, cy_company *company, double *seconds,
                    const cy_batches *batches);

const char *cy_op_name(int op);
const char *cy_activation_name(int activation);
const char *cy_binary_name(int binary);
const char *cy_function_name(int function);
const char *cy_level_name(int level);
int cy_has_threads(void);
const char *cy_compiler(void);
const char *cy_flags(void);
const char *cy_sources(void); /* cyconv/_native/sources.py's number of what this was built from */

/* For benchmarks: FMAs a second that one core reaches in registers at `level`, in GFLOP/s. */
double cy_measure_fma(int level, double seconds, int threads);

/* Nanoseconds in which a team of at most so many threads meets (meeting.c); 0: none came together. */
double cy_measure_meeting(int threads);

#endif
