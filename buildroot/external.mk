include $(sort $(wildcard $(BR2_EXTERNAL_CAPO_PATH)/package/*/*.mk))
