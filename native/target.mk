# Another machine's compiler, and pcap's binding for its Node. Included by the Makefile when a TARGET is given.
#
# Takes, for arm64, Debian's g++-aarch64-linux-gnu; for musl and for arm64, mmdebstrap (board/sysroot.sh).
#
# pcap's binding is C++ for the ABI of one Node, and is compiled here as node-gyp does it, with the headers in NODE_HEADERS:
# default, those of the Node that runs, which are the same for every processor. It takes the target's C++ library, and Debian has
# none for musl: for these targets `all` is the library alone, and who has one (OpenWrt's SDK) says
#   make -C native TARGET=NAME CC=... CXX=... NODE_HEADERS=... PCAP_FLAGS='-I... -L...' all pcap

CPU = $(word 2,$(subst -, ,$(TARGET)))
LIBC = $(word 3,$(subst -, ,$(TARGET)))
GNU = $(if $(filter arm64,$(CPU)),aarch64,x86_64)-linux-gnu
SYSROOT = $(abspath ../.cache/sysroot/$(TARGET))

# This machine with musl, by Debian's musl-tools, for the tests alone: nothing has to be brought for it.
ifeq ($(TARGET),musl)
CC = musl-gcc -idirafter $(abspath $(OUT))/uapi
PREPARED = $(OUT)/uapi
SANITIZERS = -O1 -g -fno-omit-frame-pointer -fsanitize=undefined -fsanitize-undefined-trap-on-error
$(OUT)/uapi: | $(OUT)
	mkdir -p $@
	ln -sfn /usr/include/linux $@/linux
	ln -sfn /usr/include/asm-generic $@/asm-generic
	ln -sfn /usr/include/$$(gcc -print-multiarch)/asm $@/asm
endif

# A compiler that the caller gives is taken as it is.
ifeq ($(origin CC),default)
ifeq ($(filter $(TARGET),linux-x64-glibc linux-x64-musl linux-arm64-glibc linux-arm64-musl),)
$(error there is no target $(TARGET): it is linux-x64-glibc, linux-x64-musl, linux-arm64-glibc or linux-arm64-musl, or give CC too)
endif
ifeq ($(LIBC),musl)
CC = $(GNU)-gcc -specs $(abspath $(OUT))/musl.specs -L$(SYSROOT)/lib/$(GNU:gnu=musl) -idirafter $(abspath $(OUT))/uapi
PREPARED = $(OUT)/musl.specs
# No sanitizer has a library for musl; undefined behaviour traps without one.
SANITIZERS = -O1 -g -fno-omit-frame-pointer -fsanitize=undefined -fsanitize-undefined-trap-on-error
else
CC = $(GNU)-gcc
CXX = $(GNU)-g++
# With these two inside, the tests run where only the target's C library is.
SANITIZERS += -static-libasan -static-libubsan
all: pcap
ifneq ($(TARGET),linux-x64-glibc)
PREPARED = $(SYSROOT)/made
# The library by its file: beside it lies the sysroot's libc, which names folders from the root.
PCAP_FLAGS = -idirafter $(SYSROOT)/usr/include
PCAP_LIBRARY = $(SYSROOT)/usr/lib/$(GNU)/libpcap.so.0.8
endif
endif
endif

$(SYSROOT)/made: ../board/sysroot.sh
	sh ../board/sysroot.sh $(TARGET)

# Debian's specifications name folders from the root. The kernel's headers are a folder by themselves: musl has its own of the rest.
$(OUT)/musl.specs: $(SYSROOT)/made | $(OUT)
	rm -rf $(OUT)/uapi
	mkdir $(OUT)/uapi
	ln -s $(SYSROOT)/usr/include/linux $(SYSROOT)/usr/include/asm-generic $(SYSROOT)/usr/include/$(GNU)/asm $(OUT)/uapi/
	sed 's,/usr/,$(SYSROOT)/usr/,g' $(SYSROOT)/usr/lib/$(GNU:gnu=musl)/musl-gcc.specs >$@

NODE_VERSION = $(shell node -p process.versions.node)
NODE_BESIDE = $(shell dirname "$$(dirname "$$(readlink -f "$$(command -v node)")")")/include/node
NODE_HEADERS ?= $(patsubst %/node.h,%,$(firstword $(wildcard $(addsuffix /node.h,$(NODE_BESIDE) /usr/include/node \
	/usr/local/include/node /usr/include/nodejs/src $(HOME)/.cache/node-gyp/$(NODE_VERSION)/include/node))))
PCAP_LIBRARY ?= -lpcap
PCAP = ../node_modules/pcap

pcap: $(OUT)/pcap_binding.node

$(OUT)/pcap_binding.node: $(wildcard $(PCAP)/*.cc $(PCAP)/*.h) target.mk $(PREPARED) | $(OUT)
	@[ -n "$(NODE_HEADERS)" ] || { echo "there are no headers of Node $(NODE_VERSION): NODE_HEADERS=FOLDER says where node.h is" >&2; exit 1; }
	$(CXX) -std=gnu++17 -O2 -fno-rtti -fno-exceptions -fPIC -pthread -DNODE_GYP_MODULE_NAME=pcap_binding -DBUILDING_NODE_EXTENSION \
		-DUSING_UV_SHARED=1 -DUSING_V8_SHARED=1 -D_FILE_OFFSET_BITS=64 -I$(NODE_HEADERS) -I../node_modules/nan $(PCAP_FLAGS) \
		$(CXXFLAGS) $(LDFLAGS) -shared -o $@.part $(PCAP)/pcap_binding.cc $(PCAP)/pcap_session.cc $(PCAP_LIBRARY)
	mv -f $@.part $@

.PHONY: pcap
