package clock

import (
	"testing"
	"time"
)

func TestChooseNeverGoesBelowTheBuild(t *testing.T) {
	at := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	tests := []struct {
		name                    string
		system, hardware, build time.Time
		want                    time.Time
	}{
		{"no clock at all", at(1970), time.Time{}, at(2026), at(2026)},
		{"a good one", at(2027), time.Time{}, at(2026), at(2027)},
		{"the kernel did not read it", at(1970), at(2027), at(2026), at(2027)},
		{"an empty battery", at(1970), at(2000), at(2026), at(2026)},
		{"an absurd one", at(1970), at(2090), at(2026), at(2026)},
	}
	for _, tt := range tests {
		if got := Choose(tt.system, tt.hardware, tt.build); !got.Equal(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
