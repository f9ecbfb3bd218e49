package node

import (
	"bufio"
	"io"
	"math"
	"strconv"
	"strings"
)

// metric is one of the metrics of this program, all of whose samples have its name and these labels.
type metric struct {
	name, kind, help string
	labels           []string
}

// The kinds of a metric, as Prometheus has them.
const (
	gauge     = "gauge"
	counter   = "counter"
	summary   = "summary"
	histogram = "histogram"
)

// exposition writes samples in Prometheus' text format, version 0.0.4:
// https://prometheus.io/docs/instrumenting/exposition_formats/. The samples of one metric are to follow each other.
type exposition struct {
	w    *bufio.Writer
	last string // the metric that was begun
}

const expositionType = "text/plain; version=0.0.4; charset=utf-8"

func newExposition(w io.Writer) *exposition { return &exposition{w: bufio.NewWriter(w)} }

// add writes one sample, with a value for each of the metric's labels.
func (e *exposition) add(m *metric, value float64, labels ...string) {
	e.part(m, "", value, "", "", labels)
}

// part writes a sample of a summary or a histogram: the name with a suffix, and one label more.
func (e *exposition) part(m *metric, suffix string, value float64, name, text string, labels []string) {
	if e.last != m.name {
		e.last = m.name
		e.write("# HELP ", m.name, " ", helpEscapes.Replace(m.help), "\n# TYPE ", m.name, " ", m.kind, "\n")
	}
	e.write(m.name, suffix)
	open := "{"
	for i, l := range m.labels {
		e.write(open, l, `="`, labelEscapes.Replace(labels[i]), `"`)
		open = ","
	}
	if name != "" {
		e.write(open, name, `="`, text, `"`)
		open = ","
	}
	if open == "," {
		e.write("}")
	}
	e.write(" ", number(value), "\n")
}

func (e *exposition) write(parts ...string) {
	for _, p := range parts {
		_, _ = e.w.WriteString(p) // the error stays with the writer, for close
	}
}

func (e *exposition) close() error { return e.w.Flush() }

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	case math.IsNaN(v):
		return "NaN"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// one is 1 for yes, 0 for no.
func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
