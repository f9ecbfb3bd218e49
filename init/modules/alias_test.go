package modules

import (
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"virtio:d00000001v*", "virtio:d00000001v00001AF4", true},
		{"virtio:d00000001v*", "virtio:d00000011v00001AF4", false},
		{"pci:v00001AF4d*sv*sd*bc*sc*i*", "pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00", true},
		{"pci:v00001AF4d*sv*sd*bc*sc*i*", "pci:v00008086d00001041sv00001AF4sd00001100bc02sc00i00", false},
		{"acpi*:LNXPWRBN:*", "acpi:LNXPWRBN:", true},
		{"usb:v*ic0[1-3]*", "usb:v1234ic02ip00", true},
		{"usb:v*ic0[!1-3]*", "usb:v1234ic02ip00", false},
		{"of:N*T*Cbrcm,bcm2835", "of:Nmmc/aT(null)Cbrcm,bcm2835", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"", "", true},
		{"*", "", true},
		{"", "a", false},
		{"[", "[", true},
		{"a[bc", "a[bc", true},
		{"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	}
	for _, tt := range tests {
		if got := Match(tt.pattern, tt.s); got != tt.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tt.pattern, tt.s, got, tt.want)
		}
	}
}

func TestParseAliases(t *testing.T) {
	got := ParseAliases("# comment\nalias virtio:d*1v* virtio_net\n\nalias broken\nalias a b c\n")
	if diff := cmp.Diff([]Alias{{"virtio:d*1v*", "virtio_net"}}, got); diff != "" {
		t.Errorf("ParseAliases (-want +got):\n%s", diff)
	}
}

// FuzzMatch compares with path.Match, where the two mean the same.
func FuzzMatch(f *testing.F) {
	f.Add("pci:v*d*[0-9]?", "pci:v1d22")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		got := Match(pattern, s)
		for _, text := range []string{pattern, s} {
			for _, c := range []byte(text) {
				if c >= 0x80 || c == '/' || c == '\\' || c == '[' || c == ']' {
					return
				}
			}
		}
		if want, err := path.Match(pattern, s); err == nil && got != want {
			t.Errorf("Match(%q, %q) = %v, path.Match says %v", pattern, s, got, want)
		}
	})
}
