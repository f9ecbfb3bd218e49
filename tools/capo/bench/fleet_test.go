package bench

import "testing"

func TestStatTicks(t *testing.T) {
	for _, tt := range []struct {
		name, stat string
		want       uint64
		fails      bool
	}{
		{"a process", "12 (init) S 1 1 1 0 -1 4194560 1 2 3 4 30 12 5 6 20 0 9 0", 42, false},
		{"a name with a blank and a bracket", "12 (a b) c) S 1 1 1 0 -1 4194560 1 2 3 4 30 12 5 6", 42, false},
		{"too short", "12 (init) S 1 1", 0, true},
		{"no number", "12 (init) S 1 1 1 0 -1 4194560 1 2 3 4 x 12 5 6", 0, true},
		{"nothing", "", 0, true},
	} {
		got, err := statTicks([]byte(tt.stat))
		if got != tt.want || err != nil != tt.fails {
			t.Errorf("%s: %d, %v", tt.name, got, err)
		}
	}
}
