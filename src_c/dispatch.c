/* dispatch.c: which kernel runs an operation on this processor, and the running of a plan. */
#include "clock.h"
#include "tables.h"
#include "threads.h"

#if defined(__x86_64__)
#define CY_X86_64 1
#endif

/* The fast forms are float32 only; where a level has none, the textbook loop stands in. */
cy_entry cy_find(int op, int type, int level)
{
    static const cy_entry *const fast[CY_LEVELS] = {
        [CY_BASE] = cy_fast_base, [CY_AVX2] = cy_fast_avx2, [CY_AVX512] = cy_fast_avx512};
    const cy_entry none = {0};
    if (op < 0 || op >= CY_OPS || level < 0 || level >= CY_LEVELS)
        return none;
    if (type == CY_FLOAT64)
        return cy_naive_f64[op];
    if (level != CY_NAIVE && fast[level][op].run)
        return fast[level][op];
    return cy_naive_f32[op];
}

int cy_has_level(int level)
{
#ifdef CY_X86_64
    __builtin_cpu_init();
    if (level == CY_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (level == CY_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
               && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
               && cy_has_level(CY_AVX2);
#endif
    return level == CY_NAIVE || level == CY_BASE;
}

int cy_best_level(void)
{
    int best = CY_BASE;
    for (int level = CY_BASE; level < CY_LEVELS; level++)
        if (cy_has_level(level))
            best = level;
    return best;
}

void cy_run(const cy_call *calls, ptrdiff_t count, cy_company *company, double *seconds)
{
    const double start = company ? cy_seconds() : 0;
    if (company)
        cy_keep_alone(cy_goes_alone(company));
    for (ptrdiff_t i = 0; i < count; i++) {
        const double before = seconds ? cy_seconds() : 0;
        calls[i].kernel(&calls[i]);
        if (seconds)
            seconds[i] += cy_seconds() - before;
    }
    if (company) {
        const double now = cy_seconds();
        cy_keep_alone(0);
        cy_ran(company, now - start, now);
    }
}

#define CY_NAME(name) #name,
static const char *const op_names[] = {CY_OPERATIONS(CY_NAME)};
static const char *const activation_names[] = {CY_ACTIVATIONS(CY_NAME)};
static const char *const binary_names[] = {CY_BINARIES(CY_NAME)};
static const char *const function_names[] = {CY_FUNCTIONS(CY_NAME)};
static const char *const level_names[] = {"naive", "base", "avx2", "avx512"};

/* NULL for a number that names nothing: callers list the names by counting up to it. */
static const char *name_of(const char *const *names, int count, int i)
{
    return 0 <= i && i < count ? names[i] : NULL;
}

const char *cy_op_name(int op) { return name_of(op_names, CY_OPS, op); }
const char *cy_activation_name(int code) { return name_of(activation_names, CY_ACTS, code); }
const char *cy_binary_name(int code) { return name_of(binary_names, CY_BINS, code); }
const char *cy_function_name(int code) { return name_of(function_names, CY_FUNS, code); }
const char *cy_level_name(int level) { return name_of(level_names, CY_LEVELS, level); }

int cy_has_threads(void)
{
#ifdef CYCONV_PTHREADS
    return 1;
#else
    return 0;
#endif
}

const char *cy_compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

const char *cy_flags(void)
{
#ifdef CYCONV_FLAGS
    return CYCONV_FLAGS;
#else
    return "";
#endif
}

const char *cy_sources(void)
{
#ifdef CYCONV_SOURCES
    return CYCONV_SOURCES;
#else
    return "";
#endif
}
