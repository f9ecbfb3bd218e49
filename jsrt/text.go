package jsrt

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// Bytes gives the bytes behind a Uint8Array, any other view or an ArrayBuffer, without copying.
func Bytes(v goja.Value) ([]byte, bool) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, false
	}
	if b, ok := obj.Export().(goja.ArrayBuffer); ok {
		return b.Bytes(), !b.Detached()
	}
	buffer := obj.Get("buffer")
	if buffer == nil {
		return nil, false
	}
	b, ok := buffer.Export().(goja.ArrayBuffer)
	if !ok || b.Detached() {
		return nil, false
	}
	all := b.Bytes()
	from, n := obj.Get("byteOffset").ToInteger(), obj.Get("byteLength").ToInteger()
	if from < 0 || n < 0 || from+n > int64(len(all)) {
		return nil, false
	}
	return all[from : from+n], true
}

// Uint8Array makes an array over data, without copying.
func (r *Runtime) Uint8Array(data []byte) goja.Value {
	v, err := r.vm.New(r.vm.Get("Uint8Array"), r.vm.ToValue(r.vm.NewArrayBuffer(data)))
	if err != nil {
		return goja.Undefined()
	}
	return v
}

// Text is a JavaScript string as UTF-8; a lone surrogate becomes U+FFFD.
func Text(s goja.Value) string {
	text := s.String()
	if utf8.ValidString(text) {
		return text
	}
	str, ok := s.(goja.String)
	if !ok {
		return strings.ToValidUTF8(text, "\ufffd")
	}
	units := make([]uint16, str.Length())
	for i := range units {
		units[i] = str.CharAt(i)
	}
	return string(utf16.Decode(units))
}

func (r *Runtime) installText() {
	g := r.vm.GlobalObject()
	r.set(g, "TextEncoder", func(call goja.ConstructorCall) *goja.Object {
		r.set(call.This, "encoding", "utf-8")
		r.set(call.This, "encode", func(c goja.FunctionCall) goja.Value {
			if goja.IsUndefined(c.Argument(0)) {
				return r.Uint8Array(nil)
			}
			return r.Uint8Array([]byte(Text(c.Argument(0).ToString())))
		})
		r.set(call.This, "encodeInto", r.encodeInto)
		return nil
	})
	r.set(g, "TextDecoder", func(call goja.ConstructorCall) *goja.Object { return r.newTextDecoder(call) })
}

func (r *Runtime) encodeInto(c goja.FunctionCall) goja.Value {
	to, ok := Bytes(c.Argument(1))
	if !ok {
		panic(r.vm.NewTypeError("encodeInto needs a Uint8Array"))
	}
	read, written := 0, 0
	for _, c := range Text(c.Argument(0).ToString()) {
		n := utf8.RuneLen(c)
		if written+n > len(to) {
			break
		}
		written += utf8.EncodeRune(to[written:], c)
		read += utf16.RuneLen(c)
	}
	out := r.vm.NewObject()
	r.set(out, "read", read)
	r.set(out, "written", written)
	return out
}

func (r *Runtime) newTextDecoder(call goja.ConstructorCall) *goja.Object {
	label := "utf-8"
	if v := call.Argument(0); !goja.IsUndefined(v) {
		label = strings.ToLower(strings.TrimSpace(v.String()))
	}
	switch label {
	case "utf-8", "utf8":
		label = "utf-8"
	case "latin1", "iso-8859-1", "ascii", "us-ascii", "windows-1252", "utf-16le", "utf-16":
	default:
		panic(r.vm.NewTypeError("TextDecoder: no encoding %q", label))
	}
	option := func(name string) bool {
		o, ok := call.Argument(1).(*goja.Object)
		return ok && o.Get(name) != nil && o.Get(name).ToBoolean()
	}
	d := &textDecoder{label: label, fatal: option("fatal"), keepBOM: option("ignoreBOM")}
	r.set(call.This, "encoding", label)
	r.set(call.This, "fatal", d.fatal)
	r.set(call.This, "ignoreBOM", d.keepBOM)
	r.set(call.This, "decode", func(c goja.FunctionCall) goja.Value {
		in, ok := Bytes(c.Argument(0))
		if !ok && !goja.IsUndefined(c.Argument(0)) {
			panic(r.vm.NewTypeError("decode needs an ArrayBuffer or a view of one"))
		}
		more := false
		if o, ok := c.Argument(1).(*goja.Object); ok && o.Get("stream") != nil {
			more = o.Get("stream").ToBoolean()
		}
		text, ok := d.decode(in, more)
		if !ok {
			panic(r.vm.NewTypeError("decode: the bytes are not %s", label))
		}
		return r.vm.ToValue(text)
	})
	return nil
}

// textDecoder holds what a streaming decode leaves over.
type textDecoder struct {
	label          string
	fatal, keepBOM bool
	rest           []byte
	started        bool
}

func (d *textDecoder) decode(in []byte, more bool) (string, bool) {
	if len(d.rest) > 0 {
		in = append(d.rest, in...)
		d.rest = nil
	}
	if more {
		n := d.complete(in)
		d.rest = append([]byte(nil), in[n:]...)
		in = in[:n]
	}
	text, ok := d.text(in)
	if !d.started && !d.keepBOM {
		text = strings.TrimPrefix(text, "\ufeff")
	}
	d.started = more && (d.started || len(in) > 0)
	return text, ok
}

// complete is how many of the bytes end with a whole character.
func (d *textDecoder) complete(in []byte) int {
	if strings.HasPrefix(d.label, "utf-16") {
		return len(in) &^ 1
	}
	if d.label != "utf-8" {
		return len(in)
	}
	for back := 1; back <= 3 && back <= len(in); back++ {
		if utf8.RuneStart(in[len(in)-back]) {
			if !utf8.FullRune(in[len(in)-back:]) {
				return len(in) - back
			}
			break
		}
	}
	return len(in)
}

func (d *textDecoder) text(in []byte) (string, bool) {
	switch {
	case d.label == "utf-8":
		if utf8.Valid(in) {
			return string(in), true
		}
		return string([]rune(string(in))), !d.fatal
	case strings.HasPrefix(d.label, "utf-16"):
		units := make([]uint16, len(in)/2)
		for i := range units {
			units[i] = uint16(in[2*i]) | uint16(in[2*i+1])<<8
		}
		return string(utf16.Decode(units)), len(in)%2 == 0 || !d.fatal
	}
	runes := make([]rune, len(in))
	for i, c := range in {
		runes[i] = rune(c)
	}
	return string(runes), true
}
