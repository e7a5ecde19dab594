/* elements.cuh: what kernels over single elements share. `real` is float, or double where the source is
 * compiled with REAL=double. Kernels of one thread an element open with the number of that element. */
#ifndef ELEMENTS_CUH
#define ELEMENTS_CUH
#ifndef REAL
#define REAL float
#endif
typedef REAL real;

__device__ inline int thread_number() { return (int)(blockIdx.x * blockDim.x + threadIdx.x); }

/* A NaN on either side wins, as in NumPy. */
__device__ inline real larger(real a, real b) { return a > b || a != a ? a : b; }
__device__ inline real smaller(real a, real b) { return a < b || a != a ? a : b; }

#endif
