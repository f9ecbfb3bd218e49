package cell

import "context"

// Binding is one name in a handler's env. A name with dots ("fpga.regs") makes nested objects. A name with a colon
// ("capo:admin") is not in env: it is what that built-in module is made of.
type Binding struct {
	Kind    BindKind `json:"kind"`
	Value   string   `json:"value,omitempty"`   // the string, the JSON text, or the stream's name; of BindCalls: JSON, further members
	Methods []string `json:"methods,omitempty"` // of a binding of kind BindCalls
}

// BindKind says what a binding is to the program.
type BindKind string

// The kinds of a Binding.
const (
	BindText   BindKind = "text"   // a string
	BindJSON   BindKind = "json"   // a value given as JSON
	BindStream BindKind = "stream" // send() adds to the call's Outcome; Methods are calls, as read()
	BindCalls  BindKind = "calls"  // an object whose methods reach Config.Call and return promises
)

// CallFunc answers a method of a binding. An error becomes an exception in the program. Up to 16
// run at a time; ctx ends with the cell, and the function must then return.
type CallFunc func(ctx context.Context, binding, method string, args []Value) (Value, error)
