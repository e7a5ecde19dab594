# Every target sets up what it needs, in .venv, and again only when that has changed.
# Another interpreter:   make test PYTHON=python3.12
# Arguments for a tool:  make test ARGS="-k conv"
# CUDA 13 for the GPU:   make gpu-check GPU=gpu-cuda13   (with cuDNN: GPU=gpu-cudnn, GPU=gpu-cudnn-cuda13)

PYTHON ?= python3
ARGS   ?=
GPU    ?= gpu
VENV   := .venv
DEBUG  := .debug
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check

VERSION  := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
C_FILES  := $(wildcard src_c/*.[ch] src_c/*/*.[ch] src_c/*/*.inc)
SOURCES  := $(C_FILES) $(wildcard cyconv/_native/*.pyx cyconv/_native/*.pxd) setup.py pyproject.toml
# What building and linting need, read from the lines that state it.
BUILDERS := $(shell sed -n 's/^requires = \[\(.*\)\]/\1/p' pyproject.toml | tr -d ,)
LINTERS  := $(shell sed -n 's/^lint = \[\(.*\)\]/\1/p' pyproject.toml | tr -d ,)

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo demos docs test test-peers smoke lint format debug bench gpu-check wheel clean

help:
	@echo 'make demo    train a small CNN on real digits; pictures in demo-output/'
	@echo 'make demos   the lecture, slide by slide (demos/README.md)'
	@echo 'make docs    the demos with their pictures, the pages, the reference: a site in build/site'
	@echo 'make test    the whole test suite             (ARGS="-k conv" chooses)'
	@echo 'make test-peers   against Keras 3 on PyTorch, which it installs'
	@echo 'make smoke   a tour of the library, in seconds'
	@echo 'make lint    ruff, cython-lint, clang-format  (make format repairs what they can)'
	@echo 'make debug   the kernel tests under AddressSanitizer and UBSan'
	@echo 'make bench   time kernels and networks'
	@echo 'make gpu-check   on a machine with a GPU: its tests on the device, then times beside PyTorch'
	@echo 'make wheel   build a wheel into dist/'
	@echo 'make clean   remove all that the others made'

demo: $(VENV)/.demo
	$(BIN)/cyconv demo digits $(ARGS)

demos: $(VENV)/.demo
	for demo in demos/*.py; do echo "==== $$demo"; $(BIN)/python $$demo $(ARGS) || exit 1; done

# While you write: ARGS="-D nb_execution_mode=cache" runs only demos that changed.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs -d build/doctrees $(ARGS) . build/site
	@echo 'The site: build/site/index.html'

test: $(VENV)/.test
	$(BIN)/python -m pytest $(ARGS)

# PyTorch is a large download; where pip has a choice, a build for the CPU is enough.
test-peers: $(VENV)/.peers
	KERAS_BACKEND=torch $(BIN)/python -m pytest tests/peers $(ARGS)

smoke: $(VENV)/.test
	$(BIN)/python -m pytest -m smoke $(ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	PATH="$(CURDIR)/$(BIN):$$PATH" cython-lint cyconv  # which calls pycodestyle
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i $(C_FILES)

bench: $(VENV)/.built
	for script in benchmarks/bench_*.py; do $(BIN)/python $$script $(ARGS) || exit 1; done

# CuPy for the CUDA of the driver; PyTorch, where it is there, is what the times are held against.
gpu-check: $(VENV)/.test
	$(BIN)/python -c 'import cupy$(if $(findstring cudnn,$(GPU)),; import cudnn)' 2>/dev/null || \
	    $(PIP) install 'cyconv[$(GPU)]'
	$(BIN)/python benchmarks/gpu_check.py $(ARGS)

wheel: $(VENV)/.built
	$(PIP) wheel --no-build-isolation --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) $(DEBUG) build dist demo-output *.egg-info .pytest_cache .hypothesis .ruff_cache
	rm -f cyconv/_native/*.so cyconv/_native/*.c
	find . -name __pycache__ -prune -exec rm -rf {} +

# ---- The set-up: one stamp a step, newer than all that the step was made from ----

# An environment of another Python is made anew; one that you made yourself is used as it is.
$(VENV)/.python-$(VERSION):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit( \
	    "cyconv needs Python 3.10 or newer; this is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(if $(wildcard $(VENV)/.python-*),--clear) $(VENV) || \
	    { echo 'This Python has no venv. On Debian and Ubuntu: apt install python3-venv python3-dev' >&2; exit 1; }
	@touch $@

# Built without isolation, so that editing C needs no network. "compat": this folder on Python's path, which is found
# also from the folder above, where a clone called cyconv would else pass for the package.
$(VENV)/.built: $(VENV)/.python-$(VERSION) $(SOURCES)
	$(PIP) install $(BUILDERS)
	$(PIP) install --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@

# The package is installed by now, so pip adds only what the extra asks for.
$(VENV)/.test: $(VENV)/.built
	$(PIP) install 'cyconv[test]'
	@touch $@

$(VENV)/.peers: $(VENV)/.test
	$(PIP) install 'cyconv[peers]'
	@touch $@

$(VENV)/.demo: $(VENV)/.built
	$(PIP) install 'cyconv[demos]'
	@touch $@

$(VENV)/.docs: $(VENV)/.built
	$(PIP) install 'cyconv[docs]'
	@touch $@

$(VENV)/.lint: $(VENV)/.python-$(VERSION) pyproject.toml
	$(PIP) install $(LINTERS)
	@touch $@

# ---- The sanitizer build: the package a second time, in a folder of its own ----
# Python has no sanitizers in it, so their library is loaded before it. Leaks are not looked for: Python
# never frees all that it has. PYTHONMALLOC=malloc shows them every object's end.

KERNEL_TESTS = $(or $(wildcard tests/test_kernels*.py),$(error there is no tests/test_kernels*.py))

debug: $(DEBUG)/.built
	$(BIN)/python setup.py --quiet build_py --build-lib $(DEBUG)/lib
	cd $(DEBUG) && export PYTHONPATH=lib PYTHONMALLOC=malloc \
	    LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libstdc++.so)" \
	    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 && \
	../$(BIN)/python -c 'from cyconv._native import engine; print("sanitizer build:", engine.flags())' && \
	../$(BIN)/python -m pytest -c ../pyproject.toml --rootdir .. -p no:cacheprovider $(ARGS) \
	    $(addprefix ../,$(KERNEL_TESTS) tests/test_bundles.py tests/test_company.py)

$(DEBUG)/.built: $(SOURCES) | $(VENV)/.test
	CC=$(CC) CYCONV_SANITIZE=1 $(BIN)/python setup.py --quiet build_ext \
	    --build-temp $(DEBUG)/build --build-lib $(DEBUG)/lib
	@touch $@
