package job

// place reads where a job runs. Only an admin job has an order: every other one runs on all its nodes at once.
func (p *parser) place(n node, admin bool) Place {
	f := p.object(n, []string{"on", "copies", "order", "max"}, nil)
	out := Place{On: p.text(f["on"], "")}
	if admin {
		p.order(f, &out)
		return out
	}
	for _, name := range []string{"order", "max"} {
		if f[name].given {
			p.fail(f[name].path, "is for admin jobs (admin: true): another job runs on all its nodes at the same time")
		}
	}
	if text, ok := f["copies"].value.(string); ok {
		if text != "all" {
			p.fail(f["copies"].path, "%q is neither a number nor 'all'", text)
		}
		return out
	}
	if f["copies"].given {
		out.Copies = int(p.number(f["copies"], 1, 1, MaxCopies))
	}
	return out
}

// parallel is how the default order of an admin job may be written.
const parallel = "parallel"

// order reads how an admin job goes through its nodes.
func (p *parser) order(f map[string]node, out *Place) {
	if f["copies"].given {
		p.fail(f["copies"].path, "is not for admin jobs: one is done once on each node that place.on selects")
	}
	out.Order = p.oneOf(f["order"], parallel, Rolling)
	if out.Order == parallel {
		out.Order = ""
	}
	if out.Order == Rolling {
		out.Max = int(p.number(f["max"], 1, 1, MaxCopies))
	} else if f["max"].given {
		p.fail(f["max"].path, "needs place.order: 'rolling', which is a few nodes at a time")
	}
}

// onlyRuns checks that an admin job is one that is done once: nothing of it may be kept running, since what it does to a
// node would be done again by each copy and at each restart.
func (p *parser) onlyRuns(j *Job) {
	for _, h := range j.Handlers {
		if h != "run" {
			p.fail("job.admin", "an admin job has a run handler and no other, since it is done once on each node; this one has %s", h)
		}
	}
	if j.Out != "" {
		p.fail("job.out", "is not for admin jobs: what the run handler returns is the result")
	}
}
