package board

import (
	"strings"
	"testing"
)

func TestNearestKnowsShortNamesAndTypingMistakes(t *testing.T) {
	names := []string{"arty-z7", "host", "kria-kv260", "pc", "pynq-z1", "pynq-z2", "raspberrypi3", "raspberrypi4", "zedboard"}
	for _, tt := range []struct{ typed, want string }{
		{"zedbord", "zedboard"},
		{"zebdoard", "zedboard"},
		{"rpi4", "raspberrypi4"},
		{"raspi", "raspberrypi3 raspberrypi4"},
		{"kv260", "kria-kv260"},
		{"pynq", "pynq-z1 pynq-z2"},
		{"pynq-z3", "pynq-z1 pynq-z2"},
		{"PC", "pc"},
		{"Zedboard", "zedboard"},
		{"", "pc host"},
	} {
		if got := strings.Join(nearest(tt.typed, names, 2), " "); got != tt.want {
			t.Errorf("nearest(%q) = %q, want %q", tt.typed, got, tt.want)
		}
	}
}
