# SPDX-License-Identifier: Apache-2.0
# The everyday commands; meson does the work. `make help` lists them.
PREFIX ?= /usr/local
# what the linker and pkg-config search, also where meson would guess lib64
LIBDIR ?= lib
DESTDIR ?=
release = build/release

.PHONY: help build run check bench install clean format

help:
	@echo 'make build     the release binary, build/release/ttp'
	@echo 'make run       installs what is missing, builds, tags examples/cowrie-example.json'
	@echo 'make check     installs what is missing, builds every configuration, runs every test'
	@echo 'make bench     measures against yardsticks, writes docs/PERFORMANCE.md'
	@echo 'make install   to $$(DESTDIR)$$(PREFIX), PREFIX=/usr/local by default'
	@echo 'make format    C and C++ as .clang-format has it'
	@echo 'make clean     removes build/'

# warnings are errors in make check; a stranger's newer compiler may know some more
build:
	@scripts/setup $(release) --buildtype=release -Db_lto=true -Dtests=false -Dwerror=false \
		--prefix=$(PREFIX) --libdir=$(LIBDIR)
	ninja -C $(release)
	@ln -sfn src/cli/ttp $(release)/ttp

run:
	@scripts/install-deps build
	@$(MAKE) --no-print-directory build
	$(release)/ttp tag examples/cowrie-example.json
	$(release)/ttp tag --quiet --output jsonl examples/cowrie-example.json | $(release)/ttp export navigator --output build/navigator-layer.json
	@echo 'build/navigator-layer.json: open it in the ATT&CK Navigator (Open Existing Layer, Upload from local)'

check:
	@scripts/check

bench:
	@scripts/bench

install: build
	DESTDIR='$(DESTDIR)' meson install -C $(release)

format:
	tools/check-format --fix

clean:
	rm -rf build
