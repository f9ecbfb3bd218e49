package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// FieldError names the setting that is wrong.
type FieldError struct {
	Field  string // "job.needs.mem"
	Reason string
}

// Error is "job.needs.mem: reason".
func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }

// Limits of settings.
const (
	MaxBatch   = 1000
	MinMem     = 16 << 20
	MaxMem     = 64 << 30
	MaxTime    = 24 * time.Hour
	MaxRetries = 1000
	MaxCopies  = 10000
)

// Wall times of a call for a job that names none. An admin job waits for batches of other jobs to end and for
// log servers to be replaced.
const (
	RunTime   = 30 * time.Second
	AdminTime = 5 * time.Minute
)

var (
	jobName    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	streamName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)
	identifier = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)
)

// later are settings that the design has and this version does not.
var later = []string{"public", "rollout", "routes"}

// known are the settings that this version reads.
var known = []string{"name", "admin", "in", "out", "batch", "delivery", "retry", "dead", "bind", "kernels", "every", "needs", "place"}

// Parse reads the export `job` (JSON; null when there is none) of a file whose default export has
// these handlers. The name falls back to defaultName. Every error names its field; several are joined.
func Parse(raw []byte, defaultName string, handlers []string) (Job, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return Job{}, &FieldError{"job", "is not JSON: " + err.Error()}
	}
	if tree == nil {
		tree = map[string]any{}
	}
	p := &parser{}
	j := p.job(node{"job", tree, true}, defaultName, handlers)
	return j, errors.Join(p.errs...)
}

// parser collects errors, so that a user sees all of them at once.
type parser struct{ errs []error }

func (p *parser) fail(field, format string, args ...any) {
	p.errs = append(p.errs, &FieldError{field, fmt.Sprintf(format, args...)})
}

func (p *parser) job(n node, defaultName string, handlers []string) Job {
	f := p.object(n, known, later)
	admin := p.yes(f["admin"])
	j := Job{
		Name:     p.text(f["name"], defaultName),
		Admin:    admin,
		Handlers: slices.Sorted(slices.Values(handlers)),
		In:       p.stream(f["in"], ""),
		Out:      p.stream(f["out"], ""),
		Delivery: Delivery(p.oneOf(f["delivery"], string(Once), string(AtLeastOnce))),
		Batch:    p.batch(f["batch"]),
		Retry:    p.retry(f["retry"]),
		Bind:     p.bind(f["bind"]),
		Every:    p.every(f["every"], slices.Contains(handlers, "scheduled")),
		Kernels:  p.kernels(f["kernels"]),
		Needs:    p.needs(f["needs"], admin),
		Place:    p.place(f["place"], admin),
	}
	if !jobName.MatchString(j.Name) {
		p.fail("job.name", "%q is not a name: lower-case letters, digits and hyphens, at most 63", j.Name)
	}
	p.flow(&j, f["dead"])
	if admin {
		p.onlyRuns(&j)
	}
	return j
}

// flow checks that handlers and streams fit together.
func (p *parser) flow(j *Job, dead node) {
	if len(j.Handlers) == 0 && len(j.Kernels) == 0 {
		p.fail("default", "the file exports no handler: export default { async queue(batch, env, ctx) {…} } or run")
	}
	switch {
	case j.Has("queue") && j.In == "":
		p.fail("job.in", "is missing: the handler queue needs a stream to read, as in: export const job = { in: 'frames' }")
	case !j.Has("queue") && j.In != "":
		p.fail("job.in", "names a stream, but the default export has no queue handler")
	}
	if j.In != "" && j.In == j.Out {
		p.fail("job.out", "is the stream that the job reads")
	}
	if j.In != "" {
		j.Dead = p.stream(dead, j.Name+".dead")
	}
}

func (p *parser) batch(n node) Batch {
	f := p.object(n, []string{"size", "wait"}, nil)
	return Batch{Size: int(p.number(f["size"], 64, 1, MaxBatch)), WaitMS: p.time(f["wait"], 20*time.Millisecond, time.Minute)}
}

func (p *parser) retry(n node) Retry {
	f := p.object(n, []string{"max", "backoff"}, nil)
	r := Retry{Max: int(p.number(f["max"], 3, 0, MaxRetries)), BackoffMinMS: 200, BackoffMaxMS: 5000}
	if b := f["backoff"]; b.given {
		from, to, err := ParseRange(p.text(b, ""))
		if err != nil {
			p.fail(b.path, "%v (a range is written 200ms..5s)", err)
		}
		r.BackoffMinMS, r.BackoffMaxMS = from.Milliseconds(), to.Milliseconds()
	}
	return r
}

func (p *parser) needs(n node, admin bool) Needs {
	f := p.object(n, []string{"mem", "time", "arch", "prefer", "net"}, nil)
	limit := RunTime
	if admin {
		limit = AdminTime
	}
	out := Needs{MemBytes: p.size(f["mem"], 64<<20, MinMem, MaxMem), TimeMS: p.time(f["time"], limit, MaxTime)}
	if out.TimeMS == 0 {
		p.fail(f["time"].path, "is zero")
	}
	for _, a := range p.list(f["arch"]) {
		out.Arch = append(out.Arch, p.oneOf(a, "", "amd64", "arm", "arm64"))
	}
	slices.Sort(out.Arch)
	out.Arch = slices.Compact(out.Arch)
	out.Prefer = p.oneOf(f["prefer"], "", "fpga")
	for _, v := range p.list(f["net"]) {
		text := p.text(v, "")
		host, port, err := net.SplitHostPort(text)
		if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || host == "" {
			p.fail(v.path, "%q is not host:port", text)
		}
		out.Net = append(out.Net, text)
	}
	return out
}

func (p *parser) stream(n node, or string) string {
	s := p.text(n, or)
	if s != "" && (len(s) > 64 || !streamName.MatchString(s)) || n.given && s == "" {
		p.fail(n.path, "%q is not a stream's name: letters, digits, - and _, in parts joined by dots, at most 64", s)
	}
	return s
}

func (p *parser) time(n node, or, most time.Duration) int64 {
	if !n.given {
		return or.Milliseconds()
	}
	text, ok := n.value.(string)
	if !ok {
		p.fail(n.path, "is not a time: write it as text, as '20ms', '30s', '10m' or '1h'")
		return 0
	}
	d, err := ParseDuration(text)
	if err != nil {
		p.fail(n.path, "%v", err)
	} else if d > most {
		p.fail(n.path, "%s is longer than %s", text, most)
	}
	return d.Milliseconds()
}

func (p *parser) size(n node, or, least, most int64) int64 {
	if !n.given {
		return or
	}
	text, ok := n.value.(string)
	if number, isNumber := n.value.(json.Number); isNumber {
		text, ok = number.String(), true
	}
	if !ok {
		p.fail(n.path, "is not a size: write 64M")
		return 0
	}
	v, err := ParseSize(text)
	if err != nil {
		p.fail(n.path, "%v", err)
	} else if v < least || v > most {
		p.fail(n.path, "%s is not between %dM and %dM", text, least>>20, most>>20)
	}
	return v
}

func (p *parser) number(n node, or, least, most int64) int64 {
	if !n.given {
		return or
	}
	number, ok := n.value.(json.Number)
	v, err := number.Float64()
	if !ok || err != nil || v != math.Trunc(v) || v < float64(least) || v > float64(most) {
		p.fail(n.path, "is not a whole number between %d and %d", least, most)
		return or
	}
	return int64(v)
}
