# The same commands for people and for CI. `make` lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
MODELS_VENV := .venv-models
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Tests wait more than they compute: twice as many at a time as there are processors in a small CI machine.
WORKERS ?= 4

# Where the core of the firmware is built and run: here, and in QEMU without an operating system.
MACHINES := host rv32 lx106
CLANG ?= $(shell command -v clang || command -v clang-14)
C_FILES = $(shell find esp32 -name '*.[ch]' -o -name '*.cpp' -o -name '*.ino' | grep -v /arduino/src/core/)

.DEFAULT_GOAL := help
.PHONY: help demo serve device firmware $(MACHINES:%=firmware-%) test check check-firmware models bench bench-broker bench-growth bench-relay bench-voice bench-triggers soak soak-voice fuzz fuzz-firmware search stutter fire schemas arduino-zip lock format system-packages clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(INSTALLED): requirements.lock requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Talkstick needs Python 3.11 or later; try: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED) ## Three devices, two speakers, a hall and four people; stays up to be poked
	$(BIN)/python -m tools.demo $(DEMO_ARGS)

serve: $(INSTALLED) ## Run the server on its default data directory
	$(BIN)/talkstick serve

device: ## The virtual device alone, as build/device/talkstick-device (needs cmake, libmosquitto-dev, libssl-dev)
	@cmake -S esp32/host -B build/device -D CMAKE_BUILD_TYPE=Release --log-level=WARNING
	@cmake --build build/device

firmware: $(INSTALLED) $(MACHINES:%=firmware-%) ## Build the firmware, and run its core here, on rv32 and on Xtensa
	$(BIN)/python -m tools.firmware_size

$(MACHINES:%=firmware-%): firmware-%: system-packages
	@cmake -S esp32 --preset $* --log-level=WARNING --no-warn-unused-cli >/dev/null
	@cmake --build build/firmware/$* -- --quiet
	@ctest --test-dir build/firmware/$* --no-tests=error --output-on-failure --parallel 2

test: $(INSTALLED) firmware ## All tests: unit, stateful, contract, integration, end to end
ifdef PYTEST_ARGS  # of some tests, as in: make test PYTEST_ARGS="tests/unit -k lease"
	$(BIN)/python -m pytest $(PYTEST_ARGS)
else
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not alone"
	$(BIN)/python -m pytest -m alone
endif

check: $(INSTALLED) check-firmware ## Format, lint, types, layers, generated files in step
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.gen_schemas --check
	$(BIN)/python -m tools.arduino_core --check
	$(BIN)/python -m tools.wheel_check

check-firmware: system-packages ## Look for mistakes in the firmware with cppcheck and with gcc's analyzer
	cppcheck --quiet --std=c99 --enable=warning,style,performance,portability --inline-suppr \
	  --suppressions-list=esp32/cppcheck.txt --error-exitcode=1 -I esp32/core/include -I esp32/core/src -I schemas \
	  -i esp32/idf/test -i esp32/idf/check esp32/core esp32/host esp32/idf esp32/test
	@cmake -S esp32 --preset analyzed --log-level=WARNING --no-warn-unused-cli >/dev/null
	cmake --build build/firmware/analyzed -- --quiet talkstick talkstick_replay talkstick-device

bench: $(INSTALLED) ## Measure claim-to-grant against a bare MQTT echo, and cycles per second
	$(BIN)/python -m tools.bench

bench-broker: $(INSTALLED) system-packages ## Measure the embedded broker beside Mosquitto (BENCHMARKS.md)
	$(BIN)/python -m tools.broker_bench $(BENCH_ARGS)

bench-growth: $(INSTALLED) ## Measure what a claim and an idle device cost, with 10 to 10,000 devices
	$(BIN)/python -m tools.growth_bench $(BENCH_ARGS)

bench-relay: $(INSTALLED) ## Measure a channel with 200 listeners against the bare broker's own fan-out
	$(BIN)/python -m tools.relay_bench $(BENCH_ARGS)

bench-voice: $(INSTALLED) ## Measure how long a conversation takes, and how many a server bears at once
	$(BIN)/python -m tools.voice_bench $(BENCH_ARGS)

bench-triggers: $(INSTALLED) ## Measure how soon 100 profile sessions run, and whether anything is lost where triggers flap
	$(BIN)/python -m tools.trigger_bench $(BENCH_ARGS)

soak: $(INSTALLED) ## An hour with 1,000 boards: does memory stay flat?
	$(BIN)/python -m tools.soak $(SOAK_ARGS)

soak-voice: $(INSTALLED) ## Ten boards are talked to for minutes: is each answered, and each history its own?
	$(BIN)/python -m tools.voice_soak $(SOAK_ARGS)

fuzz: $(INSTALLED) ## 100,000 malformed inputs against the broker, while others are served; takes minutes
	TALKSTICK_FUZZ_INPUTS=$${TALKSTICK_FUZZ_INPUTS:-100000} $(BIN)/python -m pytest tests/fuzz -s

fuzz-firmware: ## Millions of inputs against the firmware's core, with libFuzzer (clang and its libclang-rt); takes minutes
	@cmake -S esp32 --preset fuzz -D CMAKE_C_COMPILER=$(CLANG) --log-level=WARNING >/dev/null
	@cmake --build build/firmware/fuzz -- --quiet fuzz_device fuzz_json fuzz_claim
	@for target in device json claim; do mkdir -p build/corpus/$$target; \
	  build/firmware/fuzz/fuzz_$$target -max_total_time=$(or $(FUZZ_SECONDS),120) -print_final_stats=1 \
	    -artifact_prefix=build/corpus/ build/corpus/$$target schemas/examples || exit 1; done

search: $(INSTALLED) ## Look for histories that break a rule among ever new ones, for as long as you like; takes minutes
	TALKSTICK_SEARCH=$${TALKSTICK_SEARCH:-20} $(BIN)/python -m pytest tests/stateful -n auto --timeout 0

stutter: $(INSTALLED) firmware ## Run the tests while each process is stopped now and then: which of them look too soon?
	$(BIN)/python -m tools.stutter $(BIN)/python -m pytest $(or $(PYTEST_ARGS),-n $(WORKERS) --dist worksteal -m "not alone")

fire: $(INSTALLED) system-packages ## Kill the server, then backend and Mosquitto, 100 times each at work: is a promise broken?
	$(BIN)/python -m tools.fire $(FIRE_ARGS)
	$(BIN)/python -m tools.fire --broker mosquitto $(FIRE_ARGS)

models: ## Train the small voice models of the tests and the demo anew, in an environment of its own; takes minutes
	@$(PYTHON) -m venv $(MODELS_VENV)
	$(MODELS_VENV)/bin/pip install --quiet --disable-pip-version-check -r tools/voice_models/requirements.txt
	$(MODELS_VENV)/bin/python -m tools.voice_models $(MODELS_ARGS)

schemas: $(INSTALLED) ## Generate schemas/ from the models and the route table, and the Arduino library's copy of the core
	$(BIN)/python -m tools.gen_schemas
	$(BIN)/python -m tools.arduino_core

arduino-zip: $(INSTALLED) ## The Arduino library as one file: build/Talkstick.zip
	@mkdir -p build
	$(BIN)/python -m tools.arduino_core --zip build/Talkstick.zip

format: $(INSTALLED) ## Format the code and apply safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_FILES)

lock: $(INSTALLED) ## Renew the lock files from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	  pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	  --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

system-packages: ## Install what the tests need from the system: Mosquitto, compilers, QEMU
	@tools/system_packages.sh

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) $(MODELS_VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
