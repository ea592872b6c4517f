# For those who develop qquant; those who use it need qquant.h alone.
#
#   make test                   every test; needs a C compiler and no more
#   make test QQ_DATA=dir       the same, and those that want real models
#   make test QQ_TEST=small     a tenth of the cases through the same code
#   make test BUILD=build/o0 CC=clang CFLAGS=-O0    another configuration
#   make golden DIR=dir         reference vectors that were made elsewhere
#
# Only amalgamate, check, lint and format need more (python3, clang-format),
# and cross, coverage and fuzz, which say what.

BUILD = build
CFLAGS = -O2
STD = -std=c99
WARN = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wcast-qual -Wcast-align -Wundef -Wdouble-promotion -Wstrict-prototypes \
	-Wmissing-prototypes
DEPS = -MMD -MP -MF $@.d -MT $@
# The qquant.h that tests see: that of src (the parts) or of . (their sum).
HEADER = src
# What runs a program made for another machine, and how its name ends.
RUN =
EXE =
DIR = tests/golden
CLANG = clang-19
CLANG_FORMAT = clang-format-19
FORMAT = -i
FUZZ_SECONDS = 60

export QQ_DATA QQ_TEST

# As many jobs as there are processors, unless -j says otherwise.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN || echo 1)
endif

FLAGS = $(STD) $(CFLAGS) $(WARN) -I$(HEADER) -Isrc -Itests
LINK = $(CC) $(FLAGS) $(DEPS) $< $(ALSO) $(filter %.o,$^) -o $@ $(LDFLAGS) -lm

TESTS := $(wildcard tests/test_*.c tests/*/test_*.c)
# As users meet it: the header alone, with the implementation in the program.
# The other ways of including it are those of make compile.
COMPILE := $(wildcard tests/compile/c99.c tests/compile/two_a.c)
GOLDEN := $(filter-out $(TESTS),$(wildcard tests/golden/*.c))
DIGEST := $(wildcard tests/digest.c)
BENCHES := $(filter-out bench/mask_cpuid.c,$(wildcard bench/*.c))
FUZZERS := $(wildcard tests/fuzz/fuzz_*.c)

# A test that includes parts of src/ stands alone, but for parts of matrix/,
# which ask for the instruction set in use. All other programs are linked to the
# implementation, which is compiled once.
PARTS := $(filter-out qquant.h api,$(notdir $(wildcard src/*)))
INCLUDES = '^.include "($(shell echo $(1) | tr ' ' '|'))["/]'
LINKED := $(DIGEST) $(BENCHES) $(FUZZERS) $(if $(TESTS),$(shell \
	grep -LE $(call INCLUDES,$(PARTS)) $(TESTS); \
	grep -lE '^.include "matrix/' $(TESTS)))

LOGS := $(patsubst %.c,$(BUILD)/%.log,$(TESTS) $(COMPILE) $(DIGEST) \
	$(if $(GOLDEN),tests/golden/golden.c))
MADE = $(patsubst %.c,$(BUILD)/%$(EXE),$(1))

# Everything is made anew where the compiler or its flags differ.
$(shell mkdir -p $(BUILD); echo "$(CC) $(FLAGS) $(LDFLAGS)" >$(BUILD)/now; \
	cmp -s $(BUILD)/now $(BUILD)/flags || cp $(BUILD)/now $(BUILD)/flags)

.PHONY: all test programs golden exhaustive check lint format amalgamate
.PHONY: compile cross bench examples digits coverage fuzz clean always
.SECONDARY:

all: programs

programs: $(LOGS:.log=$(EXE)) $(BUILD)/tests/qquant.o

# --- tests ------------------------------------------------------------------

test: $(LOGS)
	@sh tests/sum.sh $(LOGS)

$(BUILD)/%.log: $(BUILD)/%$(EXE) always
	@$(RUN) $< >$@ 2>&1; echo "exit $$?" >>$@

$(BUILD)/tests/golden/golden.log: $(BUILD)/tests/golden/golden$(EXE) always
	@$(RUN) $< tests/golden >$@ 2>&1; echo "exit $$?" >>$@

$(BUILD)/tests/digest.log: $(BUILD)/tests/digest$(EXE) always
	@sh tests/digest.sh $(RUN) $< >$@ 2>&1; echo "exit $$?" >>$@

golden: $(BUILD)/tests/golden/golden$(EXE)
	@$(RUN) $< $(DIR)

exhaustive:
	@QQ_TEST=exhaustive $(MAKE) --no-print-directory test

# --- programs ---------------------------------------------------------------

$(BUILD)/%$(EXE): %.c $(BUILD)/flags
	@mkdir -p $(@D); echo "  $@"
	@$(LINK)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D); echo "  $@"
	@$(CC) $(FLAGS) $(DEPS) -c $< -o $@

$(call MADE,$(LINKED)): $(BUILD)/tests/qquant.o

$(BUILD)/tests/golden/golden$(EXE): $(GOLDEN:%.c=$(BUILD)/%.o) \
		$(BUILD)/tests/qquant.o
	@echo "  $@"
	@$(CC) $(FLAGS) $^ -o $@ $(LDFLAGS) -lm

# Windows has other threads; the test leaves them out there.
$(BUILD)/tests/matrix/test_threads$(EXE): LDFLAGS += $(if $(EXE),,-pthread)

$(call MADE,$(COMPILE)): FLAGS = $(STD) $(CFLAGS) -O0 $(WARN) -I. -Itests
$(call MADE,$(COMPILE)): qquant.h
$(BUILD)/tests/compile/two_a$(EXE): ALSO = -DQQ_NO_SIMD tests/compile/two_b.c
$(BUILD)/tests/compile/two_a$(EXE): tests/compile/two_b.c

-include $(wildcard $(BUILD)/tests/*.d $(BUILD)/tests/*/*.d $(BUILD)/bench/*.d)

# --- the house --------------------------------------------------------------

amalgamate:
	python3 tools/amalgamate.py

check:
	python3 tools/amalgamate.py --check

lint: check
	python3 tests/test_amalgamate.py
	CC="$(CC)" CXX="$(CXX)" python3 tests/lint.py

# All C but generated tables; make format FORMAT="-n -Werror" only looks.
format:
	@$(CLANG_FORMAT) $(FORMAT) $(filter-out qquant.h src/qquant.h %_model.h \
		%_data.h,$(wildcard src/*.h src/*/*.h src/*/*/*.h tests/*.[ch] \
		tests/*/*.[ch] tests/*/*.cpp bench/*.[ch] examples/*.[ch] tools/*.c))

examples:
	@sh tests/examples.sh

# The example that shows most: a real network from 32 bits down to 1.
digits: $(BUILD)/digits
	@$<
$(BUILD)/digits: examples/digits.c qquant.h
	@$(CC) -O2 -I. $< -o $@

# Also -std, wings, refusals, tcc and MSVC's branches.
compile:
	@sh tests/compile/run.sh

cross:
	@sh tests/cross/run.sh

# Limits, products, encoders; whole programs; compile time. Peers that are not
# there say so. make bench QQ_PEERS=dir also holds us against the peers in dir.
.PHONY: bench-programs
$(call MADE,$(BENCHES)): LDFLAGS += -pthread -ldl
bench: bench-programs
	@$(BUILD)/bench/limits quick
	@$(BUILD)/bench/bench
	@$(BUILD)/bench/bench work=encode,input m=16
	@$(BUILD)/bench/throughput
	@$(BUILD)/bench/story
	@for script in bench/*.sh; do BUILD=$(BUILD) sh $$script || exit; done
	@test -z "$$QQ_PEERS" || \
		python3 bench/compare.py build=$(BUILD)/bench size=1024 rounds=3

bench-programs: $(call MADE,$(BENCHES)) $(BUILD)/bench/mask_cpuid.so

# It knows one kind of machine; elsewhere nothing is masked.
$(BUILD)/bench/mask_cpuid.so: bench/mask_cpuid.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CC) -O2 -shared -fPIC $< -o $@ 2>/dev/null || rm -f $@

# Lines and branches of src/ that make test runs. Needs clang and llvm-cov.
COVERED = $(CLANG) -fprofile-instr-generate -fcoverage-mapping
coverage:
	@rm -f build/coverage/*.profraw
	-@LLVM_PROFILE_FILE=build/coverage/%p.profraw $(MAKE) \
		--no-print-directory test BUILD=build/coverage CC="$(COVERED)"
	@$(CLANG:clang%=llvm-profdata%) merge -sparse build/coverage/*.profraw \
		-o build/coverage/all.profdata
	@$(CLANG:clang%=llvm-cov%) report build/coverage/tests/digest \
		-instr-profile build/coverage/all.profdata $$(find src -name '*.h') \
		$$(find build/coverage/tests -perm -u+x -type f -printf '-object %p ')

# FUZZ_SECONDS in all, on the corpus in tests/fuzz/corpus. Needs clang.
fuzz:
	@CLANG=$(CLANG) sh tests/fuzz/run.sh $(FUZZ_SECONDS)

clean:
	rm -rf build
