package js

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"

	"github.com/capodekappa/capo/gateware/ir"
)

// DescribeTime is how long a source's top level may run.
const DescribeTime = 2 * time.Second

// Limits of what a snapshot holds.
const (
	maxHeap = 4 << 20
	maxDeep = 1000 // objects in objects
)

// Describe runs a script's top level and writes down the kernels it exports with all that their functions capture. The code is the
// user's: who does not trust it runs Describe in a confined process, by [Options]. Errors: *[Problem].
func Describe(ctx context.Context, s *Script) ([]byte, error) { return DescribeIn(ctx, s, goja.New()) }

// DescribeIn is Describe in a runtime that the caller has furnished with globals, and uses for nothing else.
func DescribeIn(ctx context.Context, s *Script, rt *goja.Runtime) ([]byte, error) {
	m, err := parse(s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, DescribeTime)
	defer cancel()
	d := &describer{m: m, t: m.tag(), rt: rt, tags: map[*goja.Object]captured{}, ids: map[*goja.Object]int{}}
	stop := context.AfterFunc(ctx, func() { d.rt.Interrupt(ctx.Err()) })
	defer stop()
	d.natives()
	d.rt.SetMaxCallStackSize(2000)
	k, exports, err := load(d.rt, s.File, d.t.code, d.tag, d.methods)
	if err != nil {
		return nil, d.problem(err)
	}
	if ex := d.rt.Try(func() { err = d.dump(k, exports) }); ex != nil {
		err = ex
	}
	if err != nil {
		return nil, d.problem(err)
	}
	return json.Marshal(&d.out)
}

// captured is what a function reported of itself.
type captured struct {
	id    int
	names *goja.Object
}

type describer struct {
	m      *module
	t      *tagged
	rt     *goja.Runtime
	tags   map[*goja.Object]captured
	ids    map[*goja.Object]int
	native map[*goja.Object]string
	heap   int
	depth  int
	out    snapshot
}

func (d *describer) tag(id int, fn, names *goja.Object) goja.Value {
	d.tags[fn] = captured{id, names}
	return fn
}

func (d *describer) methods(o, methods *goja.Object) goja.Value {
	for _, key := range methods.Keys() {
		fn, okFn := o.Get(key).(*goja.Object)
		about, okAbout := methods.Get(key).(*goja.Object)
		if okFn && okAbout {
			d.tag(int(about.Get("0").ToInteger()), fn, about.Get("1").ToObject(d.rt))
		}
	}
	return o
}

// natives notes which objects are the language's own.
func (d *describer) natives() {
	d.native = map[*goja.Object]string{}
	for _, global := range []string{"Math", "Array", "Number", "Object", "Boolean", "BigInt", "String", "Date", "JSON", "Symbol", "Promise", "parseInt", "parseFloat", "isNaN", "eval"} {
		o, ok := d.rt.Get(global).(*goja.Object)
		if !ok {
			continue
		}
		d.native[o] = global
		for _, key := range o.GetOwnPropertyNames() {
			if f, ok := o.Get(key).(*goja.Object); ok && key != "prototype" {
				d.native[f] = global + "." + key
			}
		}
	}
}

// problem takes what a run ended with to its place in the source.
func (d *describer) problem(err error) error {
	p := &Problem{Pos: d.m.script.start(), What: err.Error()}
	var thrown *goja.Exception
	var late *goja.InterruptedError
	var mine *Problem
	var deep *goja.StackOverflowError
	switch {
	case errors.As(err, &mine):
		return mine
	case errors.As(err, &deep):
		p.What, p.Instead = "the top level of the source calls functions without end", "end the recursion"
		p.Pos = d.place(deep.Stack(), p.Pos)
	case errors.As(err, &late):
		p.What = fmt.Sprintf("the top level of the source ran longer than %s", DescribeTime)
		if cause, ok := late.Value().(error); ok && errors.Is(cause, context.Canceled) {
			return fmt.Errorf("run the top level of %s: %w", d.m.script.File, cause)
		}
		p.Why, p.Instead = "it only declares kernels and constants", "compute less, or write the result into the source"
		p.Pos = d.place(late.Stack(), p.Pos)
	case errors.As(err, &thrown):
		text, _, _ := strings.Cut(thrown.Value().String(), "\n")
		p.What = "the top level of the source throws: " + strings.TrimPrefix(text, "GoError: ")
		p.Pos = d.place(thrown.Stack(), p.Pos)
	}
	return p
}

func (d *describer) place(stack []goja.StackFrame, or ir.Pos) ir.Pos {
	for _, frame := range stack {
		if at := frame.Position(); at.Line > 0 {
			return d.m.pos.at(d.t.original(at.Line, at.Column))
		}
	}
	return or
}

func (d *describer) dump(k *Kernels, exports *goja.Object) error {
	if d.m.script.Job {
		exports = d.inJob(exports)
	}
	for _, key := range exports.Keys() {
		v := exports.Get(key)
		stages, ok := k.Stages(v)
		if !ok {
			if key == "golden" {
				d.out.Golden = d.value(v)
			}
			continue
		}
		e := exported{Name: key}
		for _, s := range stages {
			e.Stages = append(e.Stages, stageCall{d.value(s.Descriptor), d.value(s.Function), int(d.t.original(s.Line, s.Col))})
		}
		d.out.Kernels = append(d.out.Kernels, e)
	}
	slices.SortStableFunc(d.out.Kernels, func(a, b exported) int {
		return cmp.Or(cmp.Compare(last(a), last(b)), cmp.Compare(len(a.Stages), len(b.Stages)))
	})
	if d.heap > maxHeap {
		return &Problem{Pos: d.m.script.start(), What: "the kernels reach more than 4 million values", Instead: "keep what the kernels do not need out of what they name"}
	}
	return nil
}

// inJob is the record kernels of the export job, or an empty one.
func (d *describer) inJob(exports *goja.Object) *goja.Object {
	if job, ok := exports.Get("job").(*goja.Object); ok {
		if kernels, ok := job.Get("kernels").(*goja.Object); ok {
			return kernels
		}
	}
	return d.rt.NewObject()
}

// last is where the last of a kernel's stages stands: what is piped comes after.
func last(e exported) int {
	at := 0
	for _, s := range e.Stages {
		at = max(at, s.At)
	}
	return at
}

func (d *describer) value(v goja.Value) val {
	d.heap++
	switch {
	case v == nil || goja.IsUndefined(v):
		return val{}
	case goja.IsNull(v):
		return val{Kind: nullKind}
	}
	if o, ok := v.(*goja.Object); ok {
		return d.object(o)
	}
	switch x := v.Export().(type) {
	case bool:
		f := 0.0
		if x {
			f = 1
		}
		return val{Kind: boolKind, Number: f}
	case int64:
		return val{Kind: numberKind, Number: float64(x)}
	case float64:
		return val{Kind: numberKind, Number: x}
	case string:
		return val{Kind: stringKind, Text: x}
	}
	return val{Kind: otherKind, Text: "a " + fmt.Sprintf("%T", v.Export())}
}

func (d *describer) object(o *goja.Object) val {
	if name, ok := d.native[o]; ok {
		return val{Kind: builtinKind, Text: name}
	}
	if id, ok := d.ids[o]; ok {
		return val{Kind: nodeKind, Ref: id}
	}
	tag, isTagged := d.tags[o]
	_, callable := goja.AssertFunction(o)
	array := o.ClassName() == "Array" || d.isView(o)
	if !isTagged && !array && (callable || o.ClassName() != "Object") {
		what := "a " + o.ClassName()
		if callable {
			what = functionKind(o.String())
		}
		return val{Kind: otherKind, Text: what}
	}
	d.depth++
	defer func() { d.depth-- }()
	if d.depth > maxDeep {
		return val{Kind: otherKind, Text: fmt.Sprintf("nested more than %d deep", maxDeep)}
	}
	id := len(d.out.Nodes)
	d.ids[o] = id
	d.out.Nodes = append(d.out.Nodes, node{})
	if d.heap <= maxHeap {
		var n node
		switch {
		case isTagged:
			n = d.function(tag)
		case array:
			n = d.array(o)
		default:
			n = d.record(o)
		}
		d.out.Nodes[id] = n
	}
	return val{Kind: nodeKind, Ref: id}
}

// functionKind says what a function that is not compiled is, by its text.
func functionKind(text string) string {
	switch {
	case strings.HasPrefix(text, "class"):
		return "a class"
	case strings.HasPrefix(text, "async"):
		return "an async function"
	case strings.HasPrefix(text, "function*"):
		return "a generator"
	}
	return "a method, or a function of the system"
}

// isView tells whether an object is a typed array.
func (d *describer) isView(o *goja.Object) bool {
	return strings.HasSuffix(o.ClassName(), "Array") || o.ClassName() == "Object" && o.Get("BYTES_PER_ELEMENT") != nil && o.Get("byteLength") != nil
}

func (d *describer) function(t captured) node {
	n := node{Form: 'f', Function: t.id + 1}
	for _, key := range t.names.Keys() {
		give, _ := goja.AssertFunction(t.names.Get(key))
		v := val{Kind: otherKind, Text: "not initialised"}
		if got, err := give(goja.Undefined()); err == nil {
			v = d.value(got)
		}
		n.Keys, n.Values = append(n.Keys, key), append(n.Values, v)
	}
	return n
}

func (d *describer) array(o *goja.Object) node {
	length := int(o.Get("length").ToInteger())
	if length > ir.MaxTableEntries {
		return node{Form: 'l', Long: length}
	}
	n := node{Form: 'i'}
	for i := range length {
		v := d.value(o.Get(fmt.Sprint(i)))
		f, ok := whole(v.Number)
		if n.Form == 'i' && (v.Kind != numberKind || !ok || f == 0 && math.Signbit(v.Number)) {
			n.Form = 'a'
			for _, i := range n.Numbers {
				n.Array = append(n.Array, val{Kind: numberKind, Number: float64(i)})
			}
			n.Numbers = nil
		}
		if n.Form == 'a' {
			n.Array = append(n.Array, v)
		} else {
			n.Numbers = append(n.Numbers, f)
		}
	}
	return n
}

func (d *describer) record(o *goja.Object) node {
	n := node{Form: 'k'}
	for _, key := range o.Keys() {
		n.Keys, n.Values = append(n.Keys, key), append(n.Values, d.value(o.Get(key)))
	}
	return n
}
