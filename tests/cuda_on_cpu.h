/* cuda_on_cpu.h: runs CUDA C kernels on a processor, compiled by g++. For tests; nothing here is fast.
 *
 * A thread of CUDA is a fiber: a stack of its own and a saved stack pointer, all inside one thread of the
 * system. A fiber runs until it meets a barrier (`__syncthreads`, or a shuffle, which is a barrier of 32) or
 * ends; then the next one runs. When all have arrived, the barrier opens. So what lies between two barriers
 * runs thread by thread, in an order that the caller chooses: 0 forwards, 1 backwards, any other number a
 * shuffle drawn anew at each barrier. A kernel that lacks a barrier reads what is not yet, or no longer,
 * there under one of these orders. Blocks run one after the other, in an order chosen likewise.
 *
 * It is stricter than a GPU: a barrier that only some threads reach, or that threads reach at different
 * lines, is an error; shared memory is filled with NaN before each block; with AddressSanitizer and UBSan, an
 * index outside an array and an unaligned float4 are errors. There is no atomic addition of floats: sums have
 * an order. What it cannot show: races between blocks, races inside a warp that a shuffle does not order,
 * limits of registers and shared memory, and speed.
 *
 * How fibers talk to AddressSanitizer: <sanitizer/common_interface_defs.h>, "Fiber annotation interface". */
#ifndef CUDA_ON_CPU_H
#define CUDA_ON_CPU_H
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <type_traits>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

/* ---- The words of CUDA C ---- */

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __shared__ static __attribute__((section("cuda_shared")))

struct uint3 {
    unsigned x, y, z;
};
typedef uint3 dim3;
static uint3 threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline int2 make_int2(int x, int y) { return {x, y}; }
static inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

template <class T> static inline T min(T a, T b) { return b < a ? b : a; }
template <class T> static inline T max(T a, T b) { return a < b ? b : a; }
template <class T> static inline T __ldg(const T *p) { return *p; }
template <class To, class From> static inline To cuda_bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "the same bits under another type");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
static inline int __float_as_int(float x) { return cuda_bits<int>(x); }
static inline unsigned __float_as_uint(float x) { return cuda_bits<unsigned>(x); }
static inline float __int_as_float(int x) { return cuda_bits<float>(x); }
static inline float __uint_as_float(unsigned x) { return cuda_bits<float>(x); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline float rsqrtf(float x) { return 1 / sqrtf(x); }
#define __expf expf /* glibc declares these names */
#define __logf logf
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }

/* Fibers run one at a time, so an atomic operation is a plain one. */
template <class T> static inline T cuda_atomic(T *at, T value)
{
    static_assert(std::is_integral<T>::value, "no atomic operations on floats: the order of a sum is fixed");
    T old = *at;
    *at = value;
    return old;
}
template <class T> static inline T atomicAdd(T *at, T by) { return cuda_atomic(at, (T)(*at + by)); }
template <class T> static inline T atomicMax(T *at, T other) { return cuda_atomic(at, max(*at, other)); }
template <class T> static inline T atomicMin(T *at, T other) { return cuda_atomic(at, min(*at, other)); }
template <class T> static inline T atomicExch(T *at, T value) { return cuda_atomic(at, value); }
template <class T> static inline T atomicCAS(T *at, T wanted, T value)
{
    return cuda_atomic(at, *at == wanted ? value : *at);
}
static inline void __threadfence() {}
static inline void __threadfence_block() {}

/* ---- Fibers ---- */

namespace cuda
{
enum state { READY, AT_BARRIER, AT_WARP, ENDED };
const size_t STACK = 128 << 10, GUARD = 4096;
const int MOST_THREADS = 1024;

struct fiber {
    char *stack; /* its lowest byte; below it lies a page that nothing may touch */
    state at;
    int line; /* of the barrier that it waits at */
    uint3 index;
    void *fake_stack; /* AddressSanitizer's */
#if defined(__x86_64__)
    void *sp;
#else
    ucontext_t context;
#endif
};

static fiber scheduler, *running;
static fiber fibers[MOST_THREADS];
static int threads;
static void (*kernel)(void **);
static void **arguments;
static char message[256];

#if defined(__x86_64__)
/* Keeps what a function must keep on the stack, stores the stack pointer, goes on where `load` was left. */
extern "C" void cuda_switch(void **save, void *load);
asm(".text\n.type cuda_switch, @function\n"
    "cuda_switch:\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n"
    "  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    "  ret\n");
static void switch_stacks(fiber *from, fiber *to) { cuda_switch(&from->sp, to->sp); }
#else
static void switch_stacks(fiber *from, fiber *to) { swapcontext(&from->context, &to->context); }
#endif

#if defined(__SANITIZE_ADDRESS__)
static const void *scheduler_stack;
static size_t scheduler_size;
static void leave(fiber *from, fiber *to)
{
    const bool back = to == &scheduler;
    __sanitizer_start_switch_fiber(from->at == ENDED ? nullptr : &from->fake_stack,
                                   back ? scheduler_stack : to->stack, back ? scheduler_size : STACK);
}
static void arrive(fiber *self)
{
    const bool home = self == &scheduler;
    __sanitizer_finish_switch_fiber(self->fake_stack, home ? nullptr : &scheduler_stack,
                                    home ? nullptr : &scheduler_size);
}
#else
static void leave(fiber *, fiber *) {}
static void arrive(fiber *) {}
#endif

static void go(fiber *from, fiber *to)
{
    leave(from, to);
    switch_stacks(from, to);
    arrive(from);
}

/* Where each fiber starts, and where it ends. */
static void begin()
{
    arrive(running);
    kernel(arguments);
    running->at = ENDED;
    go(running, &scheduler);
    __builtin_unreachable();
}

static void prepare(fiber *f, int index)
{
    if (!f->stack) {
        char *pages = (char *)mmap(nullptr, STACK + GUARD, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        mprotect(pages, GUARD, PROT_NONE);
        f->stack = pages + GUARD;
    }
#if defined(__SANITIZE_ADDRESS__)
    if (f->at != ENDED) /* left behind by an error */
        __asan_unpoison_memory_region(f->stack, STACK);
#endif
    f->at = READY;
    f->fake_stack = nullptr;
    f->index = {index % blockDim.x, index / blockDim.x % blockDim.y, index / (blockDim.x * blockDim.y)};
#if defined(__x86_64__)
    void **top = (void **)(f->stack + STACK - index % 64 * 192); /* not all in the same lines of the cache */
    *--top = nullptr; /* the return address that `begin` never uses; keeps the stack aligned */
    *--top = (void *)begin;
    for (int i = 0; i < 6; i++)
        *--top = nullptr;
    f->sp = top;
#else
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK;
    f->context.uc_link = nullptr;
    makecontext(&f->context, begin, 0);
#endif
}

/* What a barrier calls: another fiber's turn. */
static void wait(state at, int line)
{
    running->at = at;
    running->line = line;
    go(running, &scheduler);
}

/* ---- Orders ---- */

static uint64_t random_state;

/* The numbers below n, forwards (0), backwards (1), or shuffled. */
static void order_of(int order, int *list, int n)
{
    for (int i = 0; i < n; i++)
        list[i] = order == 1 ? n - 1 - i : i;
    for (int i = n - 1; order > 1 && i > 0; i--) {
        random_state = random_state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
        const int j = (int)((random_state >> 33) % (uint64_t)(i + 1)), other = list[j];
        list[j] = list[i];
        list[i] = other;
    }
}

/* ---- Running ---- */

/* Lets threads first..last-1 go on if all of them wait, at one line. 1: they do, 0: not yet, -1: never. */
static int open(int first, int last, state at, const char *what)
{
    int waiting = 0, ended = 0;
    for (int i = first; i < last; i++) {
        waiting += fibers[i].at == at;
        ended += fibers[i].at == ENDED;
        if (fibers[i].at == at && fibers[first].at == at && fibers[i].line != fibers[first].line) {
            snprintf(message, sizeof message, "threads %d and %d wait at different %ss, lines %d and %d",
                     first, i, what, fibers[first].line, fibers[i].line);
            return -1;
        }
    }
    if (waiting && ended) {
        for (int i = first; i < last; i++)
            if (fibers[i].at == at)
                snprintf(message, sizeof message, "line %d: a %s that %d of %d threads never reach",
                         fibers[i].line, what, ended, last - first);
        return -1;
    }
    if (waiting < last - first)
        return 0;
    for (int i = first; i < last; i++)
        fibers[i].at = READY;
    return 1;
}

static bool run_block(int order)
{
    static int turns[MOST_THREADS];
    for (int i = 0; i < threads; i++)
        prepare(&fibers[i], i);
    for (;;) {
        bool moved = false, all_ended = true;
        order_of(order, turns, threads);
        for (int turn = 0; turn < threads; turn++) {
            const int i = turns[turn];
            if (fibers[i].at != READY)
                continue;
            running = &fibers[i];
            threadIdx = running->index;
            go(&scheduler, running);
            moved = true;
        }
        for (int first = 0; first < threads; first += 32) {
            const int opened = open(first, min(first + 32, threads), AT_WARP, "shuffle");
            if (opened < 0)
                return false;
            moved |= opened > 0;
        }
        const int opened = open(0, threads, AT_BARRIER, "barrier");
        if (opened < 0)
            return false;
        for (int i = 0; i < threads; i++)
            all_ended &= fibers[i].at == ENDED;
        if (all_ended)
            return true;
        if (!moved && !opened) {
            snprintf(message, sizeof message,
                     "some threads wait at a barrier, others at a shuffle, for ever");
            return false;
        }
    }
}

extern "C" char __start_cuda_shared[] __attribute__((weak)), __stop_cuda_shared[] __attribute__((weak));

/* Shared memory holds no value that anybody may count on: NaN as a float, -1 as an integer. */
__attribute__((no_sanitize("address"))) static void forget_shared()
{
    for (volatile char *p = __start_cuda_shared; p < __stop_cuda_shared; p++)
        *p = (char)0xff;
}

/* Runs a grid; gives null, or what went wrong. */
static const char *run(void (*of)(void **), const unsigned *grid, const unsigned *block, void **args,
                       int order)
{
    kernel = of;
    arguments = args;
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    threads = (int)(block[0] * block[1] * block[2]);
    random_state = (uint64_t)order;
    const int count = (int)(grid[0] * grid[1] * grid[2]);
    int *blocks = (int *)malloc((size_t)count * sizeof *blocks);
    order_of(order, blocks, count);
    bool right = true;
    for (int i = 0; i < count && right; i++) {
        const unsigned b = (unsigned)blocks[i];
        blockIdx = {b % grid[0], b / grid[0] % grid[1], b / (grid[0] * grid[1])};
        forget_shared();
        right = run_block(order);
    }
    free(blocks);
    return right ? nullptr : message;
}

/* ---- Between the lanes of a warp ---- */

/* What lanes hand to each other: two slots by turns, so that one wait for each exchange is enough. */
static uint64_t exchanged[MOST_THREADS][2];
static unsigned char turn[MOST_THREADS];

static int self() { return (int)(running - fibers); }

/* Shows `value` to the lanes of this warp; gives where lane 0 shows its own (lane l: 2 * l further). */
static const uint64_t *show(uint64_t value, int line)
{
    const int thread = self(), slot = turn[thread] ^= 1;
    exchanged[thread][slot] = value;
    wait(AT_WARP, line);
    return &exchanged[thread & ~31][slot];
}

template <class T> static T shuffle(T value, int source, int line)
{
    static_assert(sizeof(T) <= 8, "at most 64 bits a lane");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    const uint64_t *lanes = show(bits, line);
    const int thread = self(), warp = thread & ~31;
    if (source >= 0 && source < 32 && warp + source < threads)
        memcpy(&value, lanes + 2 * source, sizeof value);
    return value;
}

static unsigned ballot(bool value, int line)
{
    const uint64_t *lanes = show(value, line);
    const int warp = self() & ~31;
    unsigned bits = 0;
    for (int lane = 0; lane < 32 && warp + lane < threads; lane++)
        bits |= (unsigned)lanes[2 * lane] << lane;
    return bits;
}

/* The tensor cores' c[16,8] += a[16,8] b[8,8], spread over a warp as the PTX manual's mma.m16n8k8 says. */
static void mma_m16n8k8(float c[4], const unsigned a[4], const unsigned b[2], int line)
{
    float whole_a[16][8], whole_b[8][8];
    const int lane = self() & 31, row = lane / 4, column = lane % 4;
    for (int i = 0; i < 4; i++) {
        const uint64_t *lanes = show(a[i], line);
        for (int l = 0; l < 32; l++)
            whole_a[l / 4 + i % 2 * 8][l % 4 + i / 2 * 4] = cuda_bits<float>((unsigned)lanes[2 * l]);
    }
    for (int i = 0; i < 2; i++) {
        const uint64_t *lanes = show(b[i], line);
        for (int l = 0; l < 32; l++)
            whole_b[l % 4 + i * 4][l / 4] = cuda_bits<float>((unsigned)lanes[2 * l]);
    }
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 8; k++)
            c[i] += whole_a[row + i / 2 * 8][k] * whole_b[k][column * 2 + i % 2];
}

/* The nearest number with the 10 bits of fraction that tensor cores keep of a float; ties away from zero. */
static unsigned round_to_tf32(float x) { return (cuda_bits<unsigned>(x) + 0x1000u) & ~0x1fffu; }

/* ---- Arguments, as cuLaunchKernel takes them: an array of pointers to the values ---- */

template <class... A, size_t... I> static void call(void (*f)(A...), void **args, std::index_sequence<I...>)
{
    f(*(A *)args[I]...);
}
template <class... A> static void call(void (*f)(A...), void **args)
{
    call(f, args, std::make_index_sequence<sizeof...(A)>());
}

/* A kernel's parameters in the letters of NumPy's types; a pointer has '*' before the letter of its type. */
template <class T> struct letter;
#define CUDA_LETTER(type, l) \
    template <> struct letter<type> { \
        static constexpr const char *is = l; \
    };
CUDA_LETTER(int, "i")
CUDA_LETTER(unsigned, "I")
CUDA_LETTER(long, "l")
CUDA_LETTER(unsigned long, "L")
CUDA_LETTER(long long, "q")
CUDA_LETTER(unsigned long long, "Q")
CUDA_LETTER(float, "f")
CUDA_LETTER(double, "d")
CUDA_LETTER(unsigned char, "B")
template <class T> struct parameter {
    static void say(char *s) { strcat(s, letter<T>::is); }
};
template <class T> struct parameter<T *> {
    static void say(char *s) { strcat(strcat(s, "*"), letter<typename std::remove_cv<T>::type>::is); }
};
template <class... A> static const char *signature(void (*)(A...))
{
    static char text[3 * sizeof...(A) + 1];
    text[0] = 0;
    (void)(int[]){0, (parameter<A>::say(text), strcat(text, " "), 0)...};
    return text;
}
} // namespace cuda

#define __syncthreads() cuda::wait(cuda::AT_BARRIER, __LINE__)
#define __syncwarp(...) cuda::wait(cuda::AT_WARP, __LINE__)
#define __shfl_sync(mask, value, lane) cuda::shuffle(value, lane, __LINE__)
#define __shfl_xor_sync(mask, value, bits) cuda::shuffle(value, (cuda::self() & 31) ^ (bits), __LINE__)
#define __shfl_down_sync(mask, value, by) cuda::shuffle(value, (cuda::self() & 31) + (int)(by), __LINE__)
#define __shfl_up_sync(mask, value, by) cuda::shuffle(value, (cuda::self() & 31) - (int)(by), __LINE__)
#define __ballot_sync(mask, value) cuda::ballot(value, __LINE__)
#define __any_sync(mask, value) (cuda::ballot(value, __LINE__) != 0)

/* Stands after a kernel, for the loader: what it takes, and how it is called. */
#define CUDA_ON_CPU_KERNEL(name) \
    extern "C" const char *signature_##name() { return cuda::signature(name); } \
    extern "C" const char *run_##name(const unsigned *grid, const unsigned *block, void **args, int order) \
    { \
        return cuda::run([](void **a) { cuda::call(name, a); }, grid, block, args, order); \
    }
#endif
