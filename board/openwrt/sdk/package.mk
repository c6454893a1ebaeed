# See rules.mk.

PKG_BUILD_DIR ?= $(BUILD_DIR)/$(PKG_NAME)-$(PKG_VERSION)

define BuildPackage
.PHONY: prepare compile install info
prepare:
	rm -rf $$(PKG_BUILD_DIR)
	mkdir -p $$(BUILD_DIR)
	tar -xzf $$(DL_DIR)/$$(PKG_SOURCE) -C $$(BUILD_DIR)

compile: prepare
	$$(call Build/Compile)

install: compile
	$$(call Package/$(1)/install,$$(DESTDIR))
	find $$(DESTDIR)/usr -name '*.node' -o -name '*.so' -o -name rollcall-lock | xargs $$(STRIP)

info:
	$$(info $$(PKG_NAME) $$(PKG_VERSION) $$(PKG_LICENSE))
	$$(info $$(Package/$(1)))
	@:
endef
