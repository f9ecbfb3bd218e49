package netup

import (
	"bytes"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	us, _   = net.ParseMAC("52:54:00:00:00:01")
	them, _ = net.ParseMAC("52:54:00:00:00:02")
	ip      = netip.MustParseAddr("169.254.7.8")
	other   = netip.MustParseAddr("169.254.7.9")
	none    = netip.IPv4Unspecified()
)

func TestARPIsWrittenAsItIsRead(t *testing.T) {
	p := arpPacket{op: arpReply, senderHW: us, senderIP: ip, targetHW: them, targetIP: other}
	got, err := parseARP(p.marshal())
	if diff := cmp.Diff(p, got, cmp.AllowUnexported(arpPacket{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || err != nil {
		t.Errorf("parseARP: %v (-want +got):\n%s", err, diff)
	}
	want := []byte{0, 1, 8, 0, 6, 4, 0, 2, 0x52, 0x54, 0, 0, 0, 1, 169, 254, 7, 8, 0x52, 0x54, 0, 0, 0, 2, 169, 254, 7, 9}
	if !bytes.Equal(p.marshal(), want) {
		t.Errorf("marshal = %v, want %v", p.marshal(), want)
	}
}

func TestClaims(t *testing.T) {
	tests := []struct {
		name    string
		packet  arpPacket
		probing bool
		want    bool
	}{
		{"another uses it", arpPacket{op: arpRequest, senderHW: them, senderIP: ip, targetIP: other}, false, true},
		{"another answers for it", arpPacket{op: arpReply, senderHW: them, senderIP: ip, targetIP: none}, true, true},
		{"another probes while we do", arpPacket{op: arpRequest, senderHW: them, senderIP: none, targetIP: ip}, true, true},
		{"another probes what we have", arpPacket{op: arpRequest, senderHW: them, senderIP: none, targetIP: ip}, false, false},
		{"another asks us", arpPacket{op: arpRequest, senderHW: them, senderIP: other, targetIP: ip}, true, false},
		{"our own comes back", arpPacket{op: arpRequest, senderHW: us, senderIP: ip, targetIP: ip}, true, false},
	}
	for _, tt := range tests {
		if got := tt.packet.claims(ip, us, tt.probing); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestCandidatesDependOnTheHardwareAddressOnly(t *testing.T) {
	a, b, c := candidates(us), candidates(us), candidates(them)
	same := 0
	for range 1000 {
		x := a()
		if x != b() {
			t.Fatal("one hardware address gave two sequences")
		}
		if x == c() {
			same++
		}
		if four := x.As4(); four[0] != 169 || four[1] != 254 || four[2] == 0 || four[2] == 255 {
			t.Fatalf("%v is not in the range of RFC 3927", x)
		}
	}
	if same > 10 {
		t.Errorf("two hardware addresses share %d of 1000 candidates", same)
	}
}

func TestLinkLocal6(t *testing.T) {
	if got := linkLocal6(us).String(); got != "fe80::5054:ff:fe00:1" {
		t.Errorf("linkLocal6 = %s", got)
	}
}

func FuzzParseARP(f *testing.F) {
	f.Add(arpPacket{op: 1, senderHW: us, senderIP: ip, targetHW: them, targetIP: other}.marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseARP(b)
		if err == nil && !bytes.Equal(p.marshal(), b[:arpLen]) {
			t.Errorf("parseARP(%v) = %+v", b, p)
		}
	})
}
