# Rollcall: `make demo` shows it, `make test` proves it. Both bring what they need first.
# The goals are short; the work is in board/ and native/.

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

# One stamp per Node ABI: another Node on the same tree builds its native modules anew.
DEPS := node_modules/.rollcall-deps-$(shell node -p process.versions.modules 2>/dev/null || echo none)
BIN := node_modules/.bin

# The compiler has all cores.
NATIVE := $(MAKE) -j $(shell nproc 2>/dev/null || echo 1) -C native

TARGET ?= linux-$(shell node -p process.arch 2>/dev/null)-glibc

.PHONY: help deps native native-musl build audit bundle deb openwrt-source openwrt-size test lab-vlan arm64-test qemu qemu-shell qemu-test qemu-bench demo bench lint clean fresh-root fuzz soak

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{ printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: $(DEPS) ## install Debian packages and node modules (root; nothing is started; once)

$(DEPS): package.json package-lock.json board/deps.sh $(wildcard board/patches/*.patch)
	@sh board/deps.sh
	@touch $@

native: $(DEPS)
	@$(NATIVE)

native-musl: $(DEPS) ## the native library against musl, OpenWrt's C library, and its tests (root)
	@$(NATIVE) TARGET=musl all test

build: native ## bundle the agent into dist/, with its bill of materials and licences
	@node board/bundle.mjs
	@node board/sbom.mjs

audit: ## ask the registry for known weaknesses of what is shipped
	@sh board/audit.sh

bundle: $(DEPS) ## the agent to ship, into dist-TARGET/: TARGET=linux-x64-glibc, linux-arm64-glibc, or -musl (docs/targets.md)
	@$(NATIVE) TARGET=$(TARGET)
	@node board/bundle.mjs --target $(TARGET) $(if $(filter %-musl,$(TARGET)),--partial)

ARCH ?= amd64
deb: build ## Debian package, into dist-deb/: ARCH=amd64 or arm64
	@$(MAKE) bundle TARGET=linux-$(ARCH:amd64=x64)-glibc
	@sh board/dent/build.sh --arch $(ARCH)

.PHONY: deb-test
deb-test: deb ## the package's life on a Debian 13 with systemd: install, upgrade, crash, remove, purge (root, 2 minutes)
	@sh board/dent/build.sh --version 0.1.0+later >/dev/null
	@node board/run.mjs test/dent/main.ts dist-deb/rollcall_0.1.0_amd64.deb dist-deb/rollcall_0.1.0+later_amd64.deb

openwrt-source: $(DEPS) ## source archive for OpenWrt's SDK, beside the package's Makefile (docs/install-openwrt.md)
	@sh board/openwrt/source.sh

openwrt-size: openwrt-source ## what the OpenWrt package takes on flash
	@sh board/openwrt/size.sh

test: build deb ## native tests, unit tests, the lab, some of the booted switch (root: it makes network namespaces)
	@$(NATIVE) test
	@$(MAKE) native-musl
	@$(BIN)/vitest run

lab-vlan: build ## what takes a kernel that filters VLANs, in QEMU: KERNEL=linux-image-....deb (root, 20 minutes)
	@$(MAKE) -C native build/switchdev_test build/switchdev_vlan_test
	@sh test/other-kernel.sh "$(KERNEL)" env ROLLCALL_VLANS_WANTED=1 sh -c \
		'native/build/switchdev_test && native/build/switchdev_vlan_test && $(BIN)/vitest run --project lab --reporter=verbose --maxConcurrency=6 test/lab/vlan.test.ts'

arm64-test: $(DEPS) ## native tests, the agent and some of the lab's scenarios on an arm64 machine in QEMU (root; docs/arm64.md)
	@$(MAKE) deb ARCH=arm64
	@sh test/arm64.sh

qemu: deb ## boot a switch of its own in QEMU, and say how long it takes to be online (root)
	@node board/run.mjs test/qemu/main.ts

qemu-shell: deb ## the same, and stay on its console; Ctrl-] leaves
	@node board/run.mjs test/qemu/main.ts shell

qemu-test: deb ## every scenario, and power cuts, on that switch (root, an hour and a half)
	@ROLLCALL_QEMU=all $(BIN)/vitest run --project qemu

qemu-bench: deb ## measure the agent on that switch (root, minutes)
	@node board/run.mjs test/qemu/bench.ts

SECONDS ?= 60
fuzz: $(DEPS) ## fuzz the C parsers (clang), the decoders and the whole agent: SECONDS=60 of each parser and of plays (docs/proof.md)
	@$(MAKE) -C native fuzz SECONDS=$(SECONDS)
	@node board/run.mjs test/fuzz/main.ts 5 $(SECONDS)

DAYS ?= 365
soak: $(DEPS) ## a year of 2,000 users' days on the simulated switch: does anything grow? DAYS=365
	@node board/run.mjs test/soak/main.ts $(DAYS)

SEED ?= 7
MINUTES ?= 20
.PHONY: chaos
chaos: build ## 200 clients in the lab for MINUTES=20, all faults mixed by SEED=7: a table of what came of it (root; docs/proof.md)
	@node board/run.mjs test/chaos/main.ts $(SEED) $(MINUTES)

demo: build ## three users' lives and a printer's on a switch made of namespaces, in under 90 seconds (root)
	@node board/run.mjs test/demo/main.ts

bench: build ## measure speed and size against peers, and write docs/benchmarks.md (root)
	@node board/run.mjs test/bench/main.ts

lint: $(DEPS) ## types and style, warnings are errors
	@$(BIN)/tsc --noEmit
	@$(BIN)/biome check --error-on-warnings .

clean: ## remove what was built; node modules stay
	@rm -rf dist dist-* coverage native/build

fresh-root: ## prove `make deps`, `make build` and the lab in a new Debian 13 (root, mmdebstrap, minutes)
	@sh test/fresh-root.sh
