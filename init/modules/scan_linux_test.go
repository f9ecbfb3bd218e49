package modules

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScanFindsWhatDevicesCallThemselves(t *testing.T) {
	sys := t.TempDir()
	for path, text := range map[string]string{
		"bus/cpu/devices/cpu0/uevent":         "MODALIAS=cpu:type:x86\n",
		"bus/virtio/devices/virtio0/uevent":   "DRIVER=virtio_net\nMODALIAS=virtio:d00000001v00001AF4\n",
		"bus/platform/devices/none/uevent":    "",
		"bus/platform/devices/soc/uevent":     "OF_NAME=soc\nMODALIAS=of:NsocT(null)Csimple-bus",
		"bus/platform/devices/gone/something": "",
		"bus/empty/drivers/x":                 "",
	} {
		file := filepath.Join(sys, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	Scan(sys, func(modalias string) { got = append(got, modalias) })
	want := []string{"of:NsocT(null)Csimple-bus", "virtio:d00000001v00001AF4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	Scan(filepath.Join(sys, "nothing"), func(string) { t.Error("a device where there is no bus") })
}
