package cmdline

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var compare = cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmpopts.EquateEmpty()}

func TestParse(t *testing.T) {
	tests := []struct {
		name, line string
		want       Settings
	}{
		{"empty", "", Settings{}},
		{"others' words", "console=ttyS0 quiet panic=5\n", Settings{}},
		{"numbers", "capo.size=6 capo.expect=3 capo.servers=1 capo.anchors=2", Settings{Size: 6, Expect: 3, Servers: 1, Anchors: 2}},
		{"the last one counts", "capo.size=6 capo.size=7", Settings{Size: 7}},
		{"texts", "capo.anchor=data capo.name=edge-1 capo.nats=nats://10.0.0.1:4222 capo.logs=http://10.0.0.2/x",
			Settings{Anchor: "data", Name: "edge-1", NATS: "nats://10.0.0.1:4222", Logs: "http://10.0.0.2/x"}},
		{"lists", "capo.peers=10.0.0.1,,host:8470, capo.labels=site=lab,spare,rack=a/1",
			Settings{Peers: []string{"10.0.0.1", "host:8470"}, Labels: map[string]string{"site": "lab", "spare": "", "rack": "a/1"}}},
		{"quotes", `"capo.name=edge" capo."size"=2`, Settings{Name: "edge", Size: 2}},
		{"after a double dash", "capo.size=1 -- capo.size=2", Settings{Size: 1}},
		{"ip", "ip=off", Settings{IP: IP{Off: true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.line)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if diff := cmp.Diff(tt.want, got, compare); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseNamesEveryMistakeAndKeepsTheRest(t *testing.T) {
	got, err := Parse("capo.size=many capo.expect=-1 capo.servers=99999999 capo.nats=nowhere capo.name=Ünfug capo.labels=a=b=c capo.colour=red ip=1.2.3 capo.anchors=1")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"capo.size=many", "capo.expect=-1", "capo.servers=99999999", "capo.nats=nowhere", "capo.name=", "capo.labels=", "capo.colour=red", "ip=1.2.3"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	if diff := cmp.Diff(Settings{Anchors: 1}, got, compare); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func TestParseIP(t *testing.T) {
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	tests := []struct {
		name, text string
		want       IP
		wantErr    string
	}{
		{"dhcp", "dhcp", IP{}, ""},
		{"none", "none", IP{Off: true}, ""},
		{"address and netmask", "10.1.2.3:::255.255.252.0", IP{Address: prefix("10.1.2.3/22")}, ""},
		{"netmask of the class", "192.168.7.9::192.168.7.1", IP{Address: prefix("192.168.7.9/24"), Gateway: addr("192.168.7.1")}, ""},
		{"everything", "10.0.0.2:10.0.0.9:10.0.0.1:255.0.0.0:Edge:eth1:off:10.0.0.3:10.0.0.4:10.0.0.5",
			IP{Address: prefix("10.0.0.2/8"), Gateway: addr("10.0.0.1"), Hostname: "edge", Device: "eth1",
				DNS: []netip.Addr{addr("10.0.0.3"), addr("10.0.0.4")}, NTP: []netip.Addr{addr("10.0.0.5")}}, ""},
		{"a device with DHCP", ":::::eth0:dhcp", IP{Device: "eth0"}, ""},
		{"a device that is off", ":::::eth0:off", IP{Device: "eth0", Off: true}, ""},
		{"IPv6", "fe80::1", IP{}, "no IPv4 address"},
		{"a hole in the netmask", "10.0.0.1:::255.0.255.0", IP{}, "hole"},
		{"too many fields", "::::::::::", IP{}, "ten fields"},
		{"unknown protocol", "carrier-pigeon", IP{}, "carrier-pigeon"},
		{"bad host name", "10.0.0.1::::a_b", IP{}, "DNS label"},
		{"bad device", "10.0.0.1:::::../etc", IP{}, "interface"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseIP(tt.text)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("ParseIP = %v, want an error with %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatalf("ParseIP: %v", err)
			}
			if diff := cmp.Diff(tt.want, got, compare); diff != "" {
				t.Errorf("ParseIP (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	line := `a=1 b a=2 "c=x y"`
	tests := []struct {
		key, want string
		ok        bool
	}{{"a", "2", true}, {"b", "", true}, {"c", "x y", true}, {"d", "", false}}
	for _, tt := range tests {
		if got, ok := Lookup(line, tt.key); got != tt.want || ok != tt.ok {
			t.Errorf("Lookup(%s) = %q, %v, want %q, %v", tt.key, got, ok, tt.want, tt.ok)
		}
	}
}

func TestIsLabel(t *testing.T) {
	for text, want := range map[string]bool{"a": true, "a-1": true, "": false, "-a": false, "a-": false, "A": false, "a.b": false, strings.Repeat("a", 64): false} {
		if got := IsLabel(text); got != want {
			t.Errorf("IsLabel(%q) = %v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("capo.size=3 capo.labels=a=b ip=10.0.0.1:::255.0.0.0 \"x y\" -- z")
	f.Fuzz(func(t *testing.T, line string) {
		s, _ := Parse(line)
		if s.Size < 0 || s.Size > maxNodes || len(s.Labels) > maxLabels || (s.Name != "" && !IsLabel(s.Name)) {
			t.Errorf("Parse(%q) = %+v", line, s)
		}
		again, err := ParseLabels(FormatLabels(s.Labels))
		if err != nil || !cmp.Equal(again, s.Labels, cmpopts.EquateEmpty()) {
			t.Errorf("labels %v became %v: %v", s.Labels, again, err)
		}
	})
}

func FuzzParseIP(f *testing.F) {
	f.Add("10.0.0.2:10.0.0.9:10.0.0.1:255.0.0.0:edge:eth1:off:10.0.0.3:10.0.0.4:10.0.0.5")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseIP(text)
		if err == nil && p.Address.IsValid() && p.Off {
			t.Errorf("ParseIP(%q) has an address and is off", text)
		}
	})
}
