package fleet

// Reform has the node forget the log that it was in, and form another one with those that are there: size nodes, of which a majority is
// enough from then on. An operator says so, who knows that the old log is gone for good.
func (a *Agent) Reform(size int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reforms = size
	if a.in == nil {
		a.beginAnew()
		return
	}
	a.decide(Decision{Role: RoleWaiting, Why: "an operator has a new log formed"})
}

// beginAnew has the node be as it was when it booted. The caller holds mu.
func (a *Agent) beginAnew() {
	if a.reforms == 0 {
		return
	}
	a.cfg.Size, a.cfg.Expect = a.reforms, min(max(a.cfg.Expect, 1), a.reforms)
	a.was, a.form, a.merge, a.last, a.reforms = "", State{}, merge{}, Decision{}, 0
	a.log.Warn("this node forgets its log and forms another, as an operator asks", "size", a.cfg.Size)
	a.hurry()
	a.rescan()
}
