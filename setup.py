"""Builds cyconv's one extension module: the kernels of src_c/ and their Cython wrapper.

What pyproject.toml cannot say is here: each instruction-set level in src_c/isa/ is compiled with flags of
its own, and every other file with those of the plainest processor, so that one wheel runs everywhere and
picks its kernels when it starts. Nothing is compiled for the machine it happens to be built on.

Environment variables:
    CYCONV_PTHREADS=0   build without threads (also what happens where the system has no POSIX threads)
    CYCONV_SANITIZE=1   AddressSanitizer and UBSan, for `make debug`
"""

import os
import runpy
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FLAGS = ["-O3", "-std=gnu11", "-fno-math-errno", "-Wall", "-Wextra"]
SANITIZE = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
LEVELS = {
    "base": ["-ffp-contract=fast"],
    "avx2": ["-ffp-contract=fast", "-mavx2", "-mfma"],
    "avx512": [
        "-ffp-contract=fast",
        "-mavx2",
        "-mfma",
        "-mavx512f",
        "-mavx512bw",
        "-mavx512dq",
        "-mavx512vl",
        "-mprefer-vector-width=512",
    ],
}
X86_64_LEVELS = ("avx2", "avx512")  # elsewhere these two files compile to nothing

# By which the package knows an engine that was built from other sources; without importing the package here.
fingerprint = runpy.run_path(str(Path(__file__).parent / "cyconv" / "_native" / "sources.py"))["fingerprint"]

PTHREADS_PROGRAM = (
    "#include <pthread.h>\nstatic pthread_t t;\nstatic void *f(void *p) { return p; }\n"
    "int main(void) { return pthread_create(&t, 0, f, 0); }\n"
)
X86_64_PROGRAM = "#ifndef __x86_64__\n#error not this processor\n#endif\nint main(void) { return 0; }\n"


def files(*patterns):
    """Paths below this folder that match, sorted, with '/' and relative, as setuptools wants them."""
    here = Path(__file__).parent
    return sorted(path.relative_to(here).as_posix() for pattern in patterns for path in here.glob(pattern))


class BuildKernels(build_ext):
    """build_ext with flags for each file, a probe for threads, and all processors at work."""

    def build_extensions(self):
        if self.compiler.compiler_type == "msvc":
            sys.exit(
                "cyconv's kernels use the vector types of GCC and Clang, which Microsoft's compiler does "
                "not have. Build in WSL, or with `--compiler=mingw32` and MinGW-w64's gcc."
            )
        self.flags, link = list(FLAGS), []
        if os.environ.get("CYCONV_SANITIZE") == "1":
            self.flags += SANITIZE
            link += [flag for flag in SANITIZE if flag.startswith("-fsanitize")]
        threads = self.find_threads()
        self.flags += threads
        link += threads[:1]
        x86_64 = self.builds(X86_64_PROGRAM)
        self.levels = {name: flags for name, flags in LEVELS.items() if x86_64 or name not in X86_64_LEVELS}
        for extension in self.extensions:
            extension.define_macros.append(("CYCONV_FLAGS", f'"{" ".join(self.flags)}"'))
            extension.define_macros.append(("CYCONV_SOURCES", f'"{fingerprint(Path(__file__).parent)}"'))
            extension.extra_link_args = link
        self.compile_at_once()
        super().build_extensions()

    def find_threads(self):
        """The compiler flags with which a program with POSIX threads builds; none where none does."""
        if os.environ.get("CYCONV_PTHREADS") == "0":
            print("cyconv: CYCONV_PTHREADS=0, so the kernels are built to run on one thread")
            return []
        if self.builds(PTHREADS_PROGRAM, ["-pthread"]):
            return ["-pthread", "-DCYCONV_PTHREADS"]
        print(f"cyconv: {self.compiler.compiler[0]} builds no program with POSIX threads, so the kernels "
              "will run on one thread")
        return []

    def builds(self, program, compile_flags=(), link_flags=()):
        """Whether the compiler makes an executable of this C text."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(program)
            command = [
                *self.compiler.compiler,
                *compile_flags,
                source,
                *link_flags,
                "-o",
                source.with_suffix(""),
            ]
            return subprocess.run(list(map(str, command)), capture_output=True).returncode == 0

    def compile_at_once(self):
        """Makes the compiler object compile its sources side by side, each with the flags of its file."""
        compile_one, compile_all = self.compiler._compile, self.compiler.compile
        pool = ThreadPoolExecutor(os.cpu_count())
        running = []

        def start_one(obj, src, ext, cc_args, extra_postargs, pp_opts):
            flags = self.flags + (
                self.levels.get(Path(src).stem, []) if Path(src).parent.name == "isa" else []
            )
            running.append(pool.submit(compile_one, obj, src, ext, cc_args, extra_postargs + flags, pp_opts))

        def start_all_and_wait(*args, **kwargs):
            objects = compile_all(*args, **kwargs)
            while running:
                running.pop().result()
            return objects

        self.compiler._compile, self.compiler.compile = start_one, start_all_and_wait


ENGINE = Extension(
    "cyconv._native.engine",
    sources=files("cyconv/_native/engine.pyx", "src_c/*.c", "src_c/*/*.c"),
    # What those include: an edit to any of it rebuilds the module.
    depends=files("cyconv/_native/*.pxd", "src_c/*.h", "src_c/*/*.h", "src_c/*/*.inc"),
    include_dirs=["src_c"],
)

setup(ext_modules=[ENGINE], cmdclass={"build_ext": BuildKernels})
