# Stands in for OpenWrt's SDK, with this machine's compiler: of its rules.mk and package.mk what our package uses, written anew and
# with the same meaning. For the tests, and to see what lands on flash.
#
#   make -C board/openwrt/rollcall TOPDIR=.../sdk INCLUDE_DIR=.../sdk DL_DIR=... BUILD_DIR=... DESTDIR=... install
#   make -C board/openwrt/rollcall TOPDIR=.../sdk INCLUDE_DIR=.../sdk info
#   make -C board/openwrt/rollcall TOPDIR=.../sdk INCLUDE_DIR=.../sdk SCRIPTS_DIR=... scripts

DL_DIR ?= .
ARCH ?= x86_64
STAGING_DIR ?= /
TARGET_CC ?= gcc
TARGET_CXX ?= g++
TARGET_CFLAGS ?= -Os -pipe
TARGET_CXXFLAGS ?= -Os -pipe
TARGET_CPPFLAGS ?=
TARGET_LDFLAGS ?=
STRIP ?= strip --strip-unneeded

MACHINE_LIBC ?= libc.so.6 libm.so.6
MACHINE_LIBPCAP ?= libpcap.so.0.8

INSTALL_DIR := install -d -m0755
INSTALL_BIN := install -m0755
INSTALL_DATA := install -m0644
INSTALL_CONF := install -m0600
CP := cp -fpR
LN := ln -sf
