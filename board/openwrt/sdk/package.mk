# See rules.mk.

PKG_BUILD_DIR ?= $(BUILD_DIR)/$(PKG_NAME)-$(PKG_VERSION)

# What is in the packages that others stand on. The C library comes with every package, and libgcc with that. The compiler here is
# this machine's, and so are the names of the C library that what it makes asks for.
PROVIDES_libc := libc.so libgcc_s.so.1 $(MACHINE_LIBC)
PROVIDES_node := libz.so.1 libssl.so.3 libcrypto.so.3 libuv.so.1 libcares.so.2 libnghttp2.so.14
PROVIDES_libstdcpp := libstdc++.so.6
PROVIDES_libpcap := libpcap.so.1 $(MACHINE_LIBPCAP)
PROVIDES_nftables := libnftables.so.1 libnftnl.so.11 libmnl.so.0 libjansson.so.4

define BuildPackage
.PHONY: prepare compile install dependencies scripts info
DEPENDED := libc $$(patsubst +%,%,$$(filter +%,$$(subst DEPENDS:=,,$$(Package/$(1)))))
prepare:
	rm -rf $$(PKG_BUILD_DIR)
	mkdir -p $$(BUILD_DIR)
	tar -xzf $$(DL_DIR)/$$(PKG_SOURCE) -C $$(BUILD_DIR)

compile: prepare
	$$(call Build/Compile)

install: compile
	$$(call Package/$(1)/install,$$(DESTDIR))
	find $$(DESTDIR)/usr -name '*.node' -o -name '*.so' -o -name rollcall-lock | xargs $$(STRIP)
	$$(MAKE) --no-print-directory dependencies

# Every library that something installed asks for is in a package that ours depends on, in ours, or in extra_provides.
dependencies:
	@( \
		find $$(DESTDIR) -name 'lib*.so*' | awk -F/ '{ print $$$$NF }'; \
		printf '%s\n' $$(foreach package,$$(DEPENDED),$$(PROVIDES_$$(package))); $$(Package/$(1)/extra_provides) \
	) | sort -u >$$(DESTDIR).provides
	@find $$(DESTDIR) -type f -exec readelf -d {} + 2>/dev/null | \
		awk '$$$$2 == "(NEEDED)" && $$$$NF ~ /^\[lib.*\.so/ { gsub(/[][]/, "", $$$$NF); print $$$$NF }' | sort -u | \
		grep -vxFf $$(DESTDIR).provides >$$(DESTDIR).missing || true
	@if [ -s $$(DESTDIR).missing ]; then \
		echo 'Package $(1) is missing dependencies for the following libraries:' >&2; \
		cat $$(DESTDIR).missing >&2; \
		false; \
	fi

# The package's own scripts, as a package manager has them, into a folder that is there.
scripts:
	$$(file >$$(SCRIPTS_DIR)/postinst-pkg,$$(call Package/$(1)/postinst))
	$$(file >$$(SCRIPTS_DIR)/prerm-pkg,$$(call Package/$(1)/prerm))

info:
	$$(info $$(PKG_NAME) $$(PKG_VERSION) $$(PKG_LICENSE))
	$$(info $$(Package/$(1)))
	@:
endef
