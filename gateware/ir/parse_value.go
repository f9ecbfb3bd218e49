package ir

import (
	"fmt"
	"strconv"
	"strings"
)

func (p *parser) table(rest string) error {
	first, entries, _ := strings.Cut(rest, " ")
	list, err := ints(entries, -1)
	if err != nil {
		return err
	}
	if first != strconv.Itoa(len(p.tables)) || len(list) == 0 || len(p.tables) == MaxTables {
		return fmt.Errorf("table %s: the next of at most %d is %d, and has entries", first, MaxTables, len(p.tables))
	}
	p.tables = append(p.tables, list)
	return nil
}

// refs reads v0 v1 ….
func (p *parser) refs(fields []string) ([]ID, error) {
	out := make([]ID, len(fields))
	for i, f := range fields {
		n, err := strconv.Atoi(strings.TrimPrefix(f, "v"))
		if err != nil || f[0] != 'v' || n < 0 || n >= len(p.ids) {
			return nil, fmt.Errorf("there is no value %s before this", f)
		}
		out[i] = p.ids[n]
	}
	return out, nil
}

// value reads what stands behind "v3 = ".
func (p *parser) value(name string, fields []string) (ID, error) {
	op := opCount
	for candidate := range opCount {
		if ops[candidate].name == name {
			op = candidate
		}
	}
	if op == opCount {
		return 0, fmt.Errorf("there is no operation %q", name)
	}
	if len(fields) < op.Arity() {
		return 0, fmt.Errorf("%s takes %d values", name, op.Arity())
	}
	args, err := p.refs(fields[:op.Arity()])
	if err != nil {
		return 0, err
	}
	n, err := ints(strings.Join(fields[op.Arity():], " "), immediates(op))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return p.make(op, args, n)
}

// immediates is how many numbers stand behind an operation's operands.
func immediates(op Op) int {
	switch {
	case op == In:
		return 3
	case op == Bound:
		return 2
	case op == State || ops[op].imm:
		return 1
	}
	return 0
}

func (p *parser) make(op Op, args []ID, n []int64) (ID, error) {
	const most = 1 << 20
	for _, v := range n {
		if (op == In || op == State || op == Table) && (v < 0 || v > most) {
			return 0, fmt.Errorf("%s %d is out of bounds", op, v)
		}
	}
	switch op {
	case Const:
		return p.b.Const(n[0])
	case In:
		return p.b.In(Port{int32(n[0]), int32(n[1]), int32(n[2])}, Pos{})
	case State:
		return p.b.State(int(n[0]), Pos{})
	case X, Y, I:
		return p.b.Position(op, Pos{})
	case Bound:
		if n[0] > n[1] {
			return 0, fmt.Errorf("bound %d..%d is empty", n[0], n[1])
		}
		return p.b.Bound(args[0], n[0], n[1], Pos{})
	case Table:
		if n[0] >= int64(len(p.tables)) {
			return 0, fmt.Errorf("there is no table %d", n[0])
		}
		return p.b.Table(p.tables[n[0]], args[0], Pos{})
	}
	imm := int64(0)
	if len(n) > 0 {
		imm = n[0]
	}
	return p.b.OpImm(op, imm, Pos{}, args...)
}
