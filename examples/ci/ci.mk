# What CI does with a model, as targets that run anywhere: `make -f ci.mk ci MODEL=kws.h5 BOARDS="qemu-cortex-m4 host"`.
# The workflows beside this file call nothing else. Copy it into your repository and set MODEL and BOARDS.
MODEL ?= model.h5
# the samples; empty: MODEL's stem + .npz, if it lies there
DATA ?=
BOARDS ?= qemu-cortex-m0 qemu-cortex-m4
SAMPLES ?= 100
OUT ?= build/ci
# a checkout of the main branch where `bench` has run, and how many percent a figure may grow
BASE ?= ../main
TOLERANCE ?= 1
# for `usb`: the board of a runner that has one on a cable, or behind any URL of pyserial's (rfc2217://, socket://)
BOARD ?= esp32
PORT ?= /dev/ttyUSB0
TINYGEN ?= tinygen

model = $(if $(DATA),--data $(DATA)) $(MODEL)
reports = --html $(OUT)/$(1).html --junit $(OUT)/$(1).xml

.PHONY: ci build test bench compare usb
ci: build test bench

build: $(BOARDS:%=build-%)
test: $(BOARDS:%=test-%)
bench: $(BOARDS:%=bench-%)
compare: $(BOARDS:%=compare-%)

$(OUT):
	mkdir -p $@

build-%: | $(OUT)
	$(TINYGEN) build --board $* -o $(OUT)/$* $(model)

# every output to the bit; add gates here: --min-accuracy 0.9
test-%: | $(OUT)
	$(TINYGEN) test --board $* -o $(OUT)/$* --samples $(SAMPLES) $(call reports,test-$*) $(model)

# exact instructions, arena and code; only emulated Cortex-M boards count them
bench-%: | $(OUT)
	$(if $(filter qemu-cortex-% qemu-stm32%,$*),$(TINYGEN) bench --board $* --json $(model) > $(OUT)/bench-$*.json,@true)

# fails when a figure grew; another model has other figures, so only the same one is compared
compare-%: | $(OUT)
	@if ! cmp -s $(MODEL) $(BASE)/$(MODEL); then \
	  echo "$(MODEL) is not the one of $(BASE): nothing to compare on $*"; \
	elif test ! -f $(BASE)/$(OUT)/bench-$*.json; then \
	  echo "$(BASE) has no figures for $*: nothing to compare"; \
	else \
	  $(TINYGEN) bench --board $* --compare $(BASE)/$(OUT)/bench-$*.json --tolerance $(TOLERANCE) $(model); \
	fi

usb: | $(OUT)
	$(TINYGEN) test --board $(BOARD) --port $(PORT) -o $(OUT)/$(BOARD) --samples $(SAMPLES) \
	  $(call reports,usb-$(BOARD)) $(model)
