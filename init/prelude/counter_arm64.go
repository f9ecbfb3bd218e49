package prelude

// counter reads the virtual count of the generic timer, which a reset sets to 0 (CNTVCT_EL0).
func counter() uint64
