################################################################################
#
# capo-node
#
################################################################################

CAPO_NODE_LICENSE = see LICENSE
CAPO_NODE_DIST = $(call qstrip,$(BR2_PACKAGE_CAPO_NODE_DIST))
CAPO_NODE_BOARD = $(call qstrip,$(BR2_PACKAGE_CAPO_NODE_BOARD))
CAPO_NODE_FLEET = $(call qstrip,$(BR2_PACKAGE_CAPO_NODE_FLEET))

# Go's names of processors: of what the image is for, and of the computer that makes it.
CAPO_NODE_GOARCH = $(if $(BR2_aarch64),arm64,$(if $(BR2_arm),arm,amd64))
CAPO_NODE_HOST_GOARCH = $(if $(filter aarch64,$(HOSTARCH)),arm64,amd64)

define CAPO_NODE_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(CAPO_NODE_DIST)/node-linux-$(CAPO_NODE_GOARCH) $(TARGET_DIR)/init
	$(INSTALL) -d -m 0755 $(TARGET_DIR)/capo
	$(CAPO_NODE_DIST)/capo-linux-$(CAPO_NODE_HOST_GOARCH) board $(CAPO_NODE_BOARD) -o json > $(TARGET_DIR)/capo/board.json
	$(if $(CAPO_NODE_FLEET),$(INSTALL) -m 0400 $(CAPO_NODE_FLEET) $(TARGET_DIR)/capo/fleet.json)
endef

ifeq ($(BR2_PACKAGE_CAPO_NODE)$(BR_BUILDING),yy)
ifeq ($(CAPO_NODE_BOARD),)
$(error BR2_PACKAGE_CAPO_NODE_BOARD names no board; capo boards lists them)
endif
endif

$(eval $(generic-package))
