package identity

import (
	"net"
	"strings"
	"testing"
	"testing/fstest"
)

func tree(files map[string]string) fstest.MapFS {
	fs := fstest.MapFS{}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func TestFromFirmware(t *testing.T) {
	const dmi = "sys/class/dmi/id/"
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing", nil, ""},
		{"device tree", map[string]string{"proc/device-tree/serial-number": "10000000ABCDEF01\x00"}, "10000000abcdef01"},
		{"system's serial number", map[string]string{dmi + "product_serial": "CZC1234XYZ\n"}, "czc1234xyz"},
		{"placeholders", map[string]string{dmi + "product_serial": "To Be Filled By O.E.M.\n", dmi + "board_serial": "Default string"}, ""},
		{"zeros", map[string]string{dmi + "product_serial": "0000000000", dmi + "product_uuid": "00000000-0000-0000-0000-000000000000"}, ""},
		{"all ones", map[string]string{dmi + "product_uuid": "ffffffff-ffff-ffff-ffff-ffffffffffff"}, ""},
		{"a vendor's UUID", map[string]string{dmi + "product_uuid": "03000200-0400-0500-0006-000700080009"}, ""},
		{"UUID", map[string]string{dmi + "product_uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8\n"}, "f988d3b7ccaa"},
		{"UUID in capitals", map[string]string{dmi + "product_uuid": "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"}, "f988d3b7ccaa"},
		{"not a UUID", map[string]string{dmi + "product_uuid": strings.Repeat("xy", 16)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := FromFirmware(tree(tt.files)); got != tt.want {
				t.Errorf("FromFirmware = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSerialNumbersBecomeLabels(t *testing.T) {
	for _, serial := range []string{"ABC/123.45 6", strings.Repeat("7a", 40), "-x-y-z-", "Ünicode"} {
		id := FromFirmware(tree(map[string]string{"proc/device-tree/serial-number": serial}))
		if len(id) != 12 || !isLabel(id) {
			t.Errorf("serial number %q became id %q", serial, id)
		}
	}
}

func TestFromInterfacesTakesTheLowestPermanentAddress(t *testing.T) {
	nic := func(name, index, assign, address string) map[string]string {
		return map[string]string{name + "/device/x": "", name + "/ifindex": index, name + "/addr_assign_type": assign, name + "/address": address}
	}
	files := map[string]string{"lo/ifindex": "1", "lo/address": "00:00:00:00:00:00", "lo/addr_assign_type": "0"}
	for _, m := range []map[string]string{
		nic("eth1", "10", "0\n", "52:54:00:00:00:0a\n"), nic("eth0", "9", "0\n", "52:54:00:00:00:09\n"),
		nic("usb0", "2", "1\n", "5a:00:00:00:00:02\n"), nic("bad0", "3", "0\n", "00:00:00:00:00:00\n"),
	} {
		for k, v := range m {
			files[k] = v
		}
	}
	if got := FromInterfaces(tree(files)); got != "525400000009" {
		t.Errorf("FromInterfaces = %q", got)
	}
	if got := FromInterfaces(tree(nil)); got != "" {
		t.Errorf("FromInterfaces of nothing = %q", got)
	}
}

func TestFromCard(t *testing.T) {
	const cid = "/device/cid"
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no card", map[string]string{"vda/device/x": ""}, ""},
		{"a card", map[string]string{"mmcblk0" + cid: "035344534333324780AABBCCDD014A00\n"}, "3ac4d5079784"},
		{"the first of two", map[string]string{"mmcblk1" + cid: "035344534333324780aabbccdd014aff", "mmcblk0" + cid: "035344534333324780aabbccdd014a00"}, "3ac4d5079784"},
		{"nonsense", map[string]string{"mmcblk0" + cid: "xy", "mmcblk1" + cid: strings.Repeat("0", 32)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := FromCard(tree(tt.files)); got != tt.want {
				t.Errorf("FromCard = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFromMAC(t *testing.T) {
	for text, want := range map[string]string{"52:54:00:12:34:56": "525400123456", "01:00:5e:00:00:01": "", "00:00:00:00:00:00": ""} {
		mac, err := net.ParseMAC(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := FromMAC(mac); got != want {
			t.Errorf("FromMAC(%s) = %q, want %q", text, got, want)
		}
	}
}

func TestFromImageGivesEachFlashedCardItsOwn(t *testing.T) {
	a, b := FromImage([]byte(`{"token":"a"}`)), FromImage([]byte(`{"token":"b"}`))
	if a == "" || a == b || len(a) > maxID || !isLabel(a) || FromImage(nil) != "" {
		t.Errorf("FromImage = %q and %q, of nothing %q", a, b, FromImage(nil))
	}
}
