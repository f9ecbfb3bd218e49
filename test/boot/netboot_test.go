package boot

import (
	"fmt"
	"testing"

	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/images/qemu/qemutest"
	"github.com/capodekappa/capo/test/need"
)

// TestAFolderBootsOverTheNetworkLong gives a netboot folder to a machine by TFTP: to iPXE in a network card's ROM, and to UEFI.
func TestAFolderBootsOverTheNetworkLong(t *testing.T) {
	need.Long(t)
	need.File(t, "/usr/lib/ipxe/qemu/efi-virtio.rom", "ipxe-qemu")
	folder := qemutest.Image(t, alone(t, "pc", images.FormatNetboot))
	for name, tt := range map[string]struct{ code, vars, file, rom string }{
		"BIOS and iPXE": {file: "boot.ipxe"},
		"UEFI and iPXE": {code: "/usr/share/OVMF/OVMF_CODE_4M.fd", vars: "/usr/share/OVMF/OVMF_VARS_4M.fd", file: "boot.ipxe"},
		"UEFI":          {"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd", "BOOTX64.EFI", ",romfile="}, // by the firmware itself
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			firmware := qemu.Firmware{Code: tt.code}
			if tt.vars != "" {
				firmware.Vars = t.TempDir() + "/vars"
				if err := qemu.CopyFlash(firmware.Vars, tt.vars); err != nil {
					t.Fatal(err)
				}
			}
			c := pc(t, firmware)
			c.NICs = nil
			c.Args = []string{"-netdev", fmt.Sprintf("user,id=net0,restrict=on,ipv6=off,tftp=%s,bootfile=%s", folder, tt.file), "-device", "virtio-net-pci,netdev=net0,bootindex=0" + tt.rom}
			ready(t, qemutest.BootDisk(t, qemutest.Options{Machine: c}, ""))
		})
	}
}
