package prelude

// counter reads the time stamp counter, which a reset sets to 0.
func counter() uint64
