# Drydock: how it is built, tested and installed. `make` alone prints what there is to ask for.
#
# Everything built lies under $(BUILD); nothing is written beside the sources. Parallel-safe. Works with
# CC=gcc and CC=clang; a change of compiler or flags rebuilds what they touch.

# ---- what a user may set --------------------------------------------------------------------------------

BUILD  ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
# Outside data (public traces, measured profiles) that some tests and benchmarks read; they say so and skip
# where it is absent. This is the one place that names it.
DATA   ?= ../shared
CFLAGS ?= -O2 -g
# WERROR=-Werror is what the checks use; a stranger's newer compiler should warn, not fail.
WERROR ?=
# V=1 shows the commands.
V      ?=
# Seconds for each fuzz program under `make fuzz`.
FUZZ_S ?= 30
ifeq ($(origin CC),default)
CC := gcc
endif

# ---- what it needs: packages of Debian 12, main archive only --------------------------------------------

DEPS_BUILD := build-essential pkg-config libsimgrid-dev libgsl-dev libhdf5-dev libyaml-dev libjson-c-dev \
              libxxhash-dev nettle-dev zlib1g-dev
DEPS_RUN   := gnuplot-nox
DEPS_TEST  := libcmocka-dev python3-h5py python3-yaml git
DEPS_DEV   := clang clang-format clang-tidy libclang-rt-14-dev shellcheck valgrind gcovr
PACKAGES   := gsl hdf5-serial yaml-0.1 json-c libxxhash nettle zlib

# ---- flags ------------------------------------------------------------------------------------------------

# No -march and no contraction: the same seed gives the same bytes on every x86-64 machine (design: chance).
WARNINGS   := -Wall -Wextra -Wshadow -Wconversion $(WERROR)
DIALECT    := -std=gnu17 -ffp-contract=off -fvisibility=hidden -fPIC
INCLUDES   := -Isim -I. $(filter-out -I/usr/include/json-c,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
LIBS       := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm -pthread

# MODE is set by the targets asan, coverage and fuzz, each with its own BUILD.
MODE_FLAGS_asan     := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_FLAGS_coverage := --coverage
MODE_FLAGS_fuzz     := -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
MODE_FLAGS          := $(MODE_FLAGS_$(MODE))

COMPILE = $(CC) $(DIALECT) $(WARNINGS) $(CFLAGS) $(MODE_FLAGS) $(INCLUDES) $(CPPFLAGS) -MMD -MP -c
LINK    = $(CC) $(CFLAGS) $(MODE_FLAGS) $(LDFLAGS)
Q      := $(if $(V),,@)
SAY     = $(if $(V),@:,@printf '  %-5s %s\n')

# ---- sources: one wildcard a room -------------------------------------------------------------------------

MODULE_SRC  := $(wildcard sim/engine/simgrid_module.c)
LIB_SRC     := $(filter-out sim/cli/% $(MODULE_SRC),\
                 $(sort $(wildcard sim/*.c sim/*/*.c sim/*/*/*.c traces/*.c traces/*/*.c \
                                   analysis/*/*.c analysis/*/*/*.c kernels/*.c kernels/*/*.c)))
CLI_SRC     := $(sort $(wildcard sim/cli/*.c))
UNIT_SRC    := $(sort $(wildcard tests/unit/*_test.c tests/unit/*/*_test.c tests/unit/*/*/*_test.c))
FUZZ_SRC    := $(sort $(wildcard tests/fuzz/*.c))
BENCH_SRC   := $(sort $(wildcard tests/bench/*.c))
CONFORM_SRC := $(sort $(wildcard tests/conformance/*.c))

EMBEDDED    := $(sort $(wildcard analysis/plots/*.gp analysis/report/*.css))

LIB_OBJ     := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
EMBEDDED_OBJ := $(BUILD)/obj/embedded.o
CLI_OBJ     := $(CLI_SRC:%.c=$(BUILD)/obj/%.o)
MODULE_OBJ  := $(MODULE_SRC:%.c=$(BUILD)/obj/%.o)
ALL_OBJ     := $(LIB_OBJ) $(CLI_OBJ) $(MODULE_OBJ) \
               $(patsubst %.c,$(BUILD)/obj/%.o,$(UNIT_SRC) $(FUZZ_SRC) $(BENCH_SRC) $(CONFORM_SRC))
UNIT_TESTS  := $(UNIT_SRC:%.c=$(BUILD)/%)
FUZZERS     := $(FUZZ_SRC:%.c=$(BUILD)/%)
BENCHES     := $(BENCH_SRC:%.c=$(BUILD)/%)
CONFORMANCE := $(BUILD)/tests/conformance/conformance

PROGRAM     := $(BUILD)/drydock
MODULE      := $(if $(MODULE_SRC),$(BUILD)/lib/drydock-simgrid.so)
INTERNAL    := $(BUILD)/obj/libdrydock-internal.a
VERSION     := $(shell sed -n 's/^\#define DD_VERSION "\(.*\)"/\1/p' sim/drydock.h)
SOVERSION   := 0

.DELETE_ON_ERROR:
.PHONY: help try quickstart deps deps-dev all test test-determinism conformance fidelity fidelity-others fit-check asan valgrind lint format \
        bench coverage fuzz golden install uninstall clean

help: ## This list.
	@echo "Drydock $(VERSION). First time here: make try, then make test."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

# ---- first steps ------------------------------------------------------------------------------------------

try: ## Install what is needed, build, and run scenarios/quickstart (Debian 12).
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory quickstart

quickstart: $(PROGRAM) $(MODULE)  ## Run scenarios/quickstart into out/quickstart.
	$(PROGRAM) run scenarios/quickstart --out out/quickstart

# Installs only what is missing, so that a second call needs neither network nor root.
define apt_install
@missing=; for p in $(1); do \
    dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
done; \
[ -z "$$missing" ] || { as=; [ "$$(id -u)" -eq 0 ] || as=sudo; \
    $$as apt-get -q update && \
    $$as env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $$missing; }
endef

deps: ## Install the packages that build, run and test need.
	$(call apt_install,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST))

deps-dev: deps ## Also those of lint, coverage, fuzz and valgrind.
	$(call apt_install,$(DEPS_DEV))

# ---- building ---------------------------------------------------------------------------------------------

all: $(PROGRAM) $(MODULE) $(BUILD)/libdrydock.a $(BUILD)/libdrydock.so $(BUILD)/drydock.1 ## Build the program, the library, the SimGrid module and the man page.

# Holds the compiler and its flags; objects depend on it and its date moves only when they change.
FLAGS_NOW := $(subst ','\'',$(COMPILE))
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@pkg-config --exists $(PACKAGES) || { echo "packages are missing: run 'make deps'" >&2; exit 1; }
	@echo '$(FLAGS_NOW)' | cmp -s - $@ || echo '$(FLAGS_NOW)' > $@
FORCE:

$(ALL_OBJ): $(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(COMPILE) -o $@ $<

# The texts that the report is made with, as a table of C strings, so that the program draws wherever it lies.
$(BUILD)/obj/embedded.c: $(EMBEDDED) analysis/report/embed.awk
	@mkdir -p $(@D)
	$(SAY) EMBED $@
	$(Q)awk -f analysis/report/embed.awk $(EMBEDDED) > $@

$(EMBEDDED_OBJ): $(BUILD)/obj/embedded.c $(BUILD)/flags
	$(SAY) CC $<
	$(Q)$(COMPILE) -o $@ $<

# Where the installed library looks for its module; only this object knows, so that another PREFIX is cheap.
$(BUILD)/obj/sim/engine/simgrid_load.o: private CPPFLAGS += -DDRYDOCK_MODULE_DIR='"$(LIBDIR)/drydock"'
$(BUILD)/obj/sim/engine/simgrid_load.o: $(BUILD)/libdir
$(BUILD)/libdir: FORCE
	@mkdir -p $(@D)
	@echo '$(LIBDIR)' | cmp -s - $@ || echo '$(LIBDIR)' > $@

# Tests and the program see every room through this archive.
$(INTERNAL): $(LIB_OBJ) $(EMBEDDED_OBJ)
	@rm -f $@
	$(SAY) AR $@
	$(Q)ar rcs $@ $^

# Libsimgrid takes 28 ms to load, so the program never links it: the engine opens the module when needed.
$(PROGRAM): $(CLI_OBJ) $(INTERNAL)
	$(SAY) LINK $@
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/lib/drydock-simgrid.so: $(MODULE_OBJ)
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) -shared -o $@ $^ -lsimgrid

# As installed the library shows dd_* and nothing else: one relocatable object with all else made local, and
# a version script for the shared one.
$(BUILD)/libdrydock.a: $(LIB_OBJ) $(EMBEDDED_OBJ)
	$(SAY) AR $@
	$(Q)ld -r -o $(BUILD)/obj/libdrydock.o $^
	$(Q)objcopy --wildcard --keep-global-symbol='dd_*' $(BUILD)/obj/libdrydock.o
	@rm -f $@
	$(Q)ar rcs $@ $(BUILD)/obj/libdrydock.o

$(BUILD)/libdrydock.so: $(LIB_OBJ) $(EMBEDDED_OBJ)
	@echo '{ global: dd_*; local: *; };' > $(BUILD)/obj/libdrydock.map
	$(SAY) LINK $@
	$(Q)$(LINK) -shared -Wl,-soname,libdrydock.so.$(SOVERSION) \
	    -Wl,--version-script=$(BUILD)/obj/libdrydock.map -o $@ $^ $(LIBS)
	@ln -sf libdrydock.so $@.$(SOVERSION)

$(BUILD)/drydock.1: $(PROGRAM)
	$(PROGRAM) help --man > $@

$(UNIT_TESTS): $(BUILD)/%: $(BUILD)/obj/%.o $(INTERNAL)
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) -o $@ $^ -lcmocka $(LIBS)

$(BENCHES): $(BUILD)/%: $(BUILD)/obj/%.o $(INTERNAL)
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(CONFORMANCE): $(CONFORM_SRC:%.c=$(BUILD)/obj/%.o) $(INTERNAL)
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(FUZZERS): $(BUILD)/%: $(BUILD)/obj/%.o $(INTERNAL)
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS)

-include $(ALL_OBJ:.o=.d)

# ---- checking ---------------------------------------------------------------------------------------------

# The runners get where things lie from here and from nowhere else.
RUN_TESTS = BUILD='$(BUILD)' DATA='$(DATA)' MODE='$(MODE)' ONLY='$(ONLY)' tests/run.sh

test: $(UNIT_TESTS) $(PROGRAM) $(MODULE) ## Run every test; the last line counts them.
	@$(RUN_TESTS)

test-determinism: $(PROGRAM) $(MODULE) ## Compare the bytes of results from gcc -O2, gcc -O0 and clang -O2.
	@$(MAKE) --no-print-directory BUILD=build-O0 CC=gcc CFLAGS=-O0 runnable
	@$(MAKE) --no-print-directory BUILD=build-clang CC=clang runnable
	@tests/determinism.sh $(BUILD) build-O0 build-clang
.PHONY: runnable
runnable: $(PROGRAM) $(MODULE)

# CASES is a folder of tables; conformance DIR NAME shows single cases.
CASES ?= $(DATA)/conformance
conformance: $(CONFORMANCE) ## Check the controllers against the decision tables in CASES (a folder).
	@$(CONFORMANCE) $(CASES)

# SimGrid's own context switches look like stack errors to ASan; threads do not.
asan: ## Run unit tests and broken inputs under ASan and UBSan.
	@DRYDOCK_SIMGRID_CONTEXTS=thread \
	    $(MAKE) --no-print-directory BUILD=build-asan MODE=asan CFLAGS='-O1 -g' test

valgrind: $(PROGRAM) $(MODULE) ## Run the quickstart under valgrind's memcheck.
	@BUILD='$(BUILD)' tests/valgrind.sh

# Tests that limit the size of files or change user cannot write their counters, so failures do not count here.
coverage: ## Run the tests with gcov and write build-coverage/index.html.
	@$(MAKE) --no-print-directory BUILD=build-coverage MODE=coverage CFLAGS='-O0 -g' test || true
	@gcovr --root . --object-directory build-coverage --filter 'sim/' --filter 'traces/' --filter 'analysis/' \
	    --html-details build-coverage/index.html --print-summary

fuzz: ## Run each libFuzzer program for FUZZ_S seconds (clang).
	@$(MAKE) --no-print-directory BUILD=build-fuzz MODE=fuzz CC=clang CFLAGS='-O1 -g' fuzzers
	@BUILD=build-fuzz FUZZ_S='$(FUZZ_S)' tests/fuzz/run.sh
.PHONY: fuzzers
fuzzers: $(FUZZERS)

lint: ## Check format, static analysis, shell scripts and the arrows between rooms.
	@CC='$(CC)' INCLUDES='$(INCLUDES)' tests/lint/run.sh

format: ## Rewrite the C sources with clang-format.
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

golden: $(PROGRAM) $(MODULE) ## Rewrite the golden files, for review as a diff.
	@BUILD='$(BUILD)' UPDATE=1 tests/e2e/golden.sh

# Not a test: the goals are what the model is working towards, and the measured runs lie outside.
GROUND_TRUTH ?= $(DATA)/ground_truth/vllm_h100.json
fidelity: $(PROGRAM) $(MODULE) ## Replay measured serving runs (GROUND_TRUTH) and print the errors of the latencies.
	@/usr/bin/python3 tests/fidelity/fidelity.py --drydock $(PROGRAM) --work $(BUILD)/fidelity $(GROUND_TRUTH)

OTHER_SOURCES ?= $(DATA)/ground_truth/other_sources.json
fidelity-others: $(PROGRAM) $(MODULE) ## Replay runs of other GPUs and engines (OTHER_SOURCES) and print the errors; judges nothing.
	@/usr/bin/python3 tests/fidelity/others.py --drydock $(PROGRAM) --work $(BUILD)/fidelity $(OTHER_SOURCES)

TABLES ?= $(DATA)/profiles/aiconfigurator
fit-check: $(PROGRAM) ## Fit tables of measured op times (TABLES) and print the errors at shapes left out.
	@$(PROGRAM) profile fit-check $(TABLES)

bench: $(PROGRAM) $(MODULE) $(BENCHES) ## Measure speed and memory beside baselines; appends to build/bench/history.csv.
	@BUILD='$(BUILD)' DATA='$(DATA)' tests/bench/bench.sh

# ---- installing -------------------------------------------------------------------------------------------

HEADERS := $(wildcard sim/drydock.h sim/drydock_policy.h)

install: all ## Install under PREFIX (/usr/local), below DESTDIR.
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(LIBDIR)/drydock $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/drydock
	install -m 644 $(HEADERS) $(DESTDIR)$(PREFIX)/include
	install -m 644 $(BUILD)/drydock.1 $(DESTDIR)$(PREFIX)/share/man/man1/drydock.1
	install -m 644 $(BUILD)/libdrydock.a $(DESTDIR)$(LIBDIR)/libdrydock.a
	install -m 755 $(BUILD)/libdrydock.so $(DESTDIR)$(LIBDIR)/libdrydock.so.$(SOVERSION)
	ln -sf libdrydock.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libdrydock.so
	$(if $(MODULE),install -m 755 $(MODULE) $(DESTDIR)$(LIBDIR)/drydock/drydock-simgrid.so)
	sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|; s|@PACKAGES@|$(PACKAGES)|' \
	    sim/drydock.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/drydock.pc

uninstall: ## Remove what install put there.
	rm -f $(DESTDIR)$(PREFIX)/bin/drydock $(DESTDIR)$(PREFIX)/include/drydock.h \
	    $(DESTDIR)$(PREFIX)/include/drydock_policy.h $(DESTDIR)$(PREFIX)/share/man/man1/drydock.1 \
	    $(DESTDIR)$(LIBDIR)/libdrydock.a $(DESTDIR)$(LIBDIR)/libdrydock.so \
	    $(DESTDIR)$(LIBDIR)/libdrydock.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/pkgconfig/drydock.pc
	rm -rf $(DESTDIR)$(LIBDIR)/drydock

clean: ## Remove everything built.
	rm -rf build build-O0 build-clang build-asan build-coverage build-fuzz
