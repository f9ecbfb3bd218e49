package uevent

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte("add@/devices/pci0/virtio1\x00ACTION=add\x00MODALIAS=virtio:d1v2\x00=x\x00novalue\x00"))
	want := Event{Action: "add", Path: "/devices/pci0/virtio1", Env: map[string]string{"ACTION": "add", "MODALIAS": "virtio:d1v2"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Parse: %v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"", "\x00", "add@/x", "@/x\x00", "add@x\x00", "libudev\x00\xfe\xed"} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("Parse(%q) succeeded", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("add@/devices/x\x00A=b\x00"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if e, err := Parse(msg); err == nil && (e.Action == "" || e.Path == "") {
			t.Errorf("Parse(%q) = %+v", msg, e)
		}
	})
}
