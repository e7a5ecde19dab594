# The one header of src_c/, as Cython sees it.
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport int64_t, uint64_t

cdef extern from "cyconv.h" nogil:
    enum:
        CY_OPS
        CY_ACTS
        CY_NEEDS_INPUT
        CY_BINS
        CY_FUNS
        CY_LEVELS
        CY_MAX_OPERANDS
        CY_MAX_SIZES
        CY_MAX_ATTRIBUTES
        CY_MAX_AXES
        CY_MAX_REGISTERS

    ctypedef struct cy_call
    ctypedef void (*cy_kernel)(const cy_call *)
    ctypedef size_t (*cy_workspace)(const cy_call *)

    ctypedef struct cy_call:
        cy_kernel kernel
        void *p[12]
        ptrdiff_t n[28]
        double a[8]
        const int64_t *code
        void *work
        int threads

    ctypedef struct cy_entry:
        cy_kernel run
        cy_workspace work

    cy_entry cy_find(int op, int type, int level)
    int cy_best_level()
    int cy_has_level(int level)
    ctypedef struct cy_company:
        pass

    int cy_goes_alone(const cy_company *company)
    void cy_ran(cy_company *company, double seconds, double now)
    ctypedef struct cy_fed:
        const char *from_ "from"
        char *to
        size_t bytes
        ptrdiff_t count

    ctypedef struct cy_batches:
        ptrdiff_t steps, batch
        const cy_fed *fed
        int feds
        const int64_t *rows
        uint64_t *drawn
        char *hyper
        const char *hypers
        size_t hyper_bytes
        const void **number
        int numbers, wide
        double *noted

    void cy_run_batches(const cy_call *calls, ptrdiff_t count, cy_company *company, double *seconds,
                        const cy_batches *batches)
    void cy_run(const cy_call *calls, ptrdiff_t count, cy_company *company, double *seconds)
    const char *cy_op_name(int op)
    const char *cy_activation_name(int activation)
    const char *cy_binary_name(int binary)
    const char *cy_function_name(int function)
    const char *cy_level_name(int level)
    int cy_has_threads()
    const char *cy_compiler()
    const char *cy_flags()
    const char *cy_sources()
    double cy_measure_fma(int level, double seconds, int threads)
    double cy_measure_meeting(int threads)
