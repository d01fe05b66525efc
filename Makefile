# Two commands do everything: `make demo` and `make test`. Both set up what is missing first:
# a virtual environment in .venv, the packages of pyproject.toml, compilers and emulators by apt.
PYTHON ?= python3
PY := .venv/bin/python

APT_DEMO := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
APT_TEST := $(APT_DEMO) gcc g++ clang gcc-avr avr-libc gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf \
            gcc-xtensa-lx106 picolibc-xtensa-lx106-elf qemu-system-misc \
            arduino-core-avr cmake make ser2net chromium libsimavr-dev espeak-ng

.PHONY: demo test nightly lint format golden docs bench accuracy clean

demo: .venv/demo
	@sh scripts/apt.sh $(APT_DEMO)
	.venv/bin/tinygen build --board qemu-stm32f405 -o build/demo examples/kws/kws.h5
	.venv/bin/tinygen test --board qemu-stm32f405 -o build/demo examples/kws/kws.h5

# a file's tests run in one process, one after the other: they share what is built once
test: lint
	@sh scripts/apt.sh $(APT_TEST)
	$(PY) -m pytest -n 2 --dist loadfile

# the same tests with many more random cases: an hour or so
nightly: lint
	@sh scripts/apt.sh $(APT_TEST)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps tf-keras tensorflow-model-optimization dm-tree
	TINYGEN_NIGHTLY=1 $(PY) -m pytest -n 2 --dist loadfile --timeout 3600

lint: .venv/dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

format: .venv/dev
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

# after a wanted change of the generated C: rewrite tests/golden, then read the diff
golden: .venv/dev
	TINYGEN_GOLDEN=1 $(PY) -m pytest -q tests/golden

# after a change of an operator: what docs/operators.md says of all of them
docs: .venv/dev
	$(PY) -m tests.support.operators_doc

# after a wanted change of kernels, planner or code: what bench/ and docs/benchmarks.md say of the reference models
bench: .venv/dev
	@sh scripts/apt.sh $(APT_TEST)
	$(PY) -m tests.support.reference_bench

# after a wanted change of the quantization: what docs/accuracy.md says of it on real data; an hour or so
accuracy: .venv/dev
	@sh scripts/apt.sh $(APT_TEST)
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev,accuracy]'
	$(PY) -m tests.support.accuracy

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || (echo "tinygen needs Python 3.10 or newer" && false)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || sh scripts/apt.sh python3-venv
	$(PYTHON) -m venv .venv

.venv/demo: .venv/bin/python pyproject.toml
	$(PY) -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: .venv/bin/python pyproject.toml
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/demo

clean:
	rm -rf build dist .venv
