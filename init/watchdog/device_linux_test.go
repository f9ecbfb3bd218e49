package watchdog

import (
	"testing"
	"testing/fstest"
)

func TestAHardwareWatchdogIsChosenBeforeTheKernelsOwn(t *testing.T) {
	soft := &fstest.MapFile{Data: []byte("Software Watchdog\n")}
	hard := &fstest.MapFile{Data: []byte("Cadence Watchdog\n")}
	tests := []struct {
		name     string
		class    fstest.MapFS
		want     string
		hardware bool
	}{
		{"a kernel that says nothing", fstest.MapFS{}, "watchdog", true},
		{"software alone", fstest.MapFS{"watchdog0/identity": soft}, "watchdog0", false},
		{"hardware alone", fstest.MapFS{"watchdog0/identity": hard}, "watchdog0", true},
		{"hardware that came later", fstest.MapFS{"watchdog0/identity": soft, "watchdog1/identity": hard}, "watchdog1", true},
		{"hardware that came first", fstest.MapFS{"watchdog0/identity": hard, "watchdog1/identity": soft}, "watchdog0", true},
		{"two in hardware", fstest.MapFS{"watchdog0/identity": hard, "watchdog1/identity": hard}, "watchdog0", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := choose(tt.class); got.Name != tt.want || got.Hardware() != tt.hardware {
				t.Errorf("choose() = %s, hardware %v, want %s, %v", got.Name, got.Hardware(), tt.want, tt.hardware)
			}
		})
	}
}
