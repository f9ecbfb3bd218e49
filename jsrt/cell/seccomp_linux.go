package cell

func filterSystemCalls() error { return nil }
