package verilog

import (
	"fmt"
	"strings"
)

// writer writes a module. Verilog wants names declared before they are used, so declarations are put first, whenever they are made.
type writer struct {
	head, names, body strings.Builder
	wires             []string
}

// begin starts a module.
func (w *writer) begin(name string) { fmt.Fprintf(&w.head, "module %s (\n", name) }

// port adds ports.
func (w *writer) port(format string, args ...any) {
	w.wires = append(w.wires, strings.TrimSuffix(fmt.Sprintf(format, args...), ","))
}

// line adds a line to the body. What declares goes to the declarations; a wire with a value becomes an assignment.
func (w *writer) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	declares := strings.HasPrefix(text, "wire ") || strings.HasPrefix(text, "reg ") || strings.HasPrefix(text, "(*")
	name, value, driven := strings.Cut(text, " = ")
	switch {
	case declares && driven:
		fmt.Fprintf(&w.names, "  %s;\n", name)
		fmt.Fprintf(&w.body, "  assign %s = %s\n", name[strings.LastIndexByte(name, ' ')+1:], value)
	case declares:
		fmt.Fprintf(&w.names, "  %s\n", text)
	default:
		fmt.Fprintf(&w.body, "  %s\n", text)
	}
}

// end ends the module.
func (w *writer) end() { w.body.WriteString("endmodule\n") }

// String is the module.
func (w *writer) String() string {
	return w.head.String() + "  " + strings.Join(w.wires, ",\n  ") + "\n);\n" + w.names.String() + w.body.String()
}
