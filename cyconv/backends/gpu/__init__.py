"""The door's operations as CUDA kernels. Importing this needs neither CuPy nor a device."""
