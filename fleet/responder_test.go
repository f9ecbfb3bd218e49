package fleet

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

var testLink = link{
	iface: net.Interface{Index: 2, Name: "eth0"},
	addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fe80::1%eth0")},
}

var testSelf = sighting{Fleet: "0123456789abcdef", Ref: Ref{"a", "00000001"}, Port: 8470}

func pack(t testing.TB, msg *dns.Msg) []byte {
	t.Helper()
	raw, err := msg.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func question(name string, kind, class uint16) *dns.Msg {
	return &dns.Msg{MsgHdr: dns.MsgHdr{Id: 7}, Question: []dns.Question{{Name: name, Qtype: kind, Qclass: class}}}
}

func TestResponderAnswersForItsHost(t *testing.T) {
	for _, tt := range []struct {
		name    string
		msg     *dns.Msg
		legacy  bool
		want    []string
		unicast bool
	}{
		{"A", question("a.local.", dns.TypeA, dns.ClassINET), false, []string{"10.0.0.1"}, false},
		{"AAAA without the zone", question("a.local.", dns.TypeAAAA, dns.ClassINET), false, []string{"fe80::1"}, false},
		{"ANY in another case", question("A.LOCAL.", dns.TypeANY, dns.ClassANY), false, []string{"10.0.0.1", "fe80::1"}, false},
		{"unicast wanted", question("a.local.", dns.TypeA, dns.ClassINET|topBit), false, []string{"10.0.0.1"}, true},
		{"legacy asker", question("a.local.", dns.TypeA, dns.ClassINET), true, []string{"10.0.0.1"}, true},
		{"another host", question("b.local.", dns.TypeA, dns.ClassINET), false, nil, false},
		{"another type", question("a.local.", dns.TypeTXT, dns.ClassINET), false, nil, false},
		{"another class", question("a.local.", dns.TypeA, dns.ClassCHAOS), false, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reply, unicast, _ := interpret(pack(t, tt.msg), testSelf, testLink, tt.legacy)
			var got []string
			if reply != nil {
				var msg dns.Msg
				if err := msg.Unpack(pack(t, reply)); err != nil {
					t.Fatal(err)
				}
				if tt.legacy != (msg.Id == 7 && len(msg.Question) == 1) || !msg.Response || !msg.Authoritative {
					t.Errorf("header %+v with %d questions, legacy %v", msg.MsgHdr, len(msg.Question), tt.legacy)
				}
				for _, rr := range msg.Answer {
					if flush := rr.Header().Class&topBit != 0; flush == tt.legacy || rr.Header().Ttl > hostTTL {
						t.Errorf("record %v", rr)
					}
					switch rr := rr.(type) {
					case *dns.A:
						got = append(got, rr.A.String())
					case *dns.AAAA:
						got = append(got, rr.AAAA.String())
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || unicast != tt.unicast {
				t.Fatalf("unicast %v, answers:\n%s", unicast, diff)
			}
		})
	}
}

// spoken lists records as "name type", and the target of pointers.
func spoken(rrs []dns.RR) []string {
	var list []string
	for _, rr := range rrs {
		text := rr.Header().Name + " " + dns.Type(rr.Header().Rrtype).String()
		if ptr, ok := rr.(*dns.PTR); ok {
			text += " " + ptr.Ptr
		}
		list = append(list, text)
	}
	return list
}

func TestResponderAnswersForItsService(t *testing.T) {
	const instance = "a." + serviceName
	pointer, host := serviceName+" PTR "+instance, []string{"a.local. A", "a.local. AAAA"}
	details := append([]string{instance + " SRV", instance + " TXT"}, host...)
	old := browseQuestion([]string{"a"})
	old.Answer[0].Header().Ttl = otherTTL/2 - 1
	both := question(serviceName, dns.TypePTR, dns.ClassINET)
	both.Question = append(both.Question, question(instance, dns.TypeTXT, dns.ClassINET).Question...)
	for _, tt := range []struct {
		name        string
		msg         *dns.Msg
		want, extra []string
	}{
		{"who is there", browseQuestion(nil), []string{pointer}, details},
		{"who is there besides another", browseQuestion([]string{"b"}), []string{pointer}, details},
		{"who is there besides this one", browseQuestion([]string{"b", "a"}), nil, nil},
		{"who is there, from one that forgets us soon", old, []string{pointer}, details},
		{"what services are there", question(metaName, dns.TypePTR, dns.ClassINET), []string{metaName + " PTR " + serviceName}, nil},
		{"where is it", question(instance, dns.TypeSRV, dns.ClassINET), []string{instance + " SRV"}, host},
		{"what is said of it", question(instance, dns.TypeTXT, dns.ClassINET), []string{instance + " TXT"}, nil},
		{"all of it", question("A."+serviceName, dns.TypeANY, dns.ClassANY), []string{instance + " SRV", instance + " TXT"}, host},
		{"two questions, nothing twice", both, []string{pointer, instance + " TXT"}, append([]string{instance + " SRV"}, host...)},
		{"another instance", question("b."+serviceName, dns.TypeSRV, dns.ClassINET), nil, nil},
		{"another service", question("_ipp._tcp.local.", dns.TypePTR, dns.ClassINET), nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, legacy := range []bool{false, true} {
				reply, unicast, _ := interpret(pack(t, tt.msg), testSelf, testLink, legacy)
				var got, extra []string
				if reply != nil {
					got, extra = spoken(reply.Answer), spoken(reply.Extra)
					if unicast != legacy {
						t.Errorf("unicast %v for legacy %v", unicast, legacy)
					}
					if found := packetSightings(reply, "eth0"); len(extra) == 4 && len(found) != 1 {
						t.Errorf("the answer tells of %v", found)
					}
				}
				if diff := cmp.Diff([][]string{tt.want, tt.extra}, [][]string{got, extra}); diff != "" {
					t.Fatalf("legacy %v:\n%s", legacy, diff)
				}
			}
		})
	}
}

func TestResponderSaysTheSameToAllOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &responder{self: testSelf, said: map[utterance]time.Time{}}
		browse, _, _ := interpret(pack(t, browseQuestion(nil)), testSelf, testLink, false)
		address, _, _ := interpret(pack(t, question("a.local.", dns.TypeA, dns.ClassINET)), testSelf, testLink, false)
		may := func(msg *dns.Msg, v6, want bool) {
			t.Helper()
			if got := r.mayRepeat(msg, testLink, v6); got != want {
				t.Errorf("may repeat %v: %v", spoken(msg.Answer), got)
			}
		}
		may(browse, false, true)
		may(browse, false, false)
		may(browse, true, true)
		may(address, false, true)
		time.Sleep(sayAgain)
		may(browse, false, true)
	})
}

func TestPacketsOfOthersAreNotRead(t *testing.T) {
	for _, tt := range []struct {
		name string
		msg  *dns.Msg
		want bool
	}{
		{"who is there", browseQuestion(nil), true},
		{"a node", answerOf(testSelf, "a.local.", "10.0.0.2"), true},
		{"this host", question("A.local.", dns.TypeA, dns.ClassINET), true},
		{"all services", question(metaName, dns.TypePTR, dns.ClassINET), true},
		{"another host", question("ab.local.", dns.TypeA, dns.ClassINET), false},
		{"another service", question("_ipp._tcp.local.", dns.TypePTR, dns.ClassINET), false},
	} {
		if got := testSelf.concerns(pack(t, tt.msg)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestGoodByeIsNoSighting(t *testing.T) {
	for _, gone := range []bool{false, true} {
		msg := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true}, Answer: presence{testSelf, testLink.addrs}.all(gone)}
		if found := packetSightings(msg, "eth0"); len(found) == 1 == gone {
			t.Errorf("gone %v: found %v", gone, found)
		}
	}
}

func answerOf(s sighting, host, addr string) *dns.Msg {
	instance := s.ID + "." + service + "." + domain + "."
	hdr := func(name string, kind uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: 100}
	}
	return &dns.Msg{
		MsgHdr: dns.MsgHdr{Response: true},
		Answer: []dns.RR{&dns.PTR{Hdr: hdr(service+"."+domain+".", dns.TypePTR), Ptr: instance}},
		Extra: []dns.RR{
			&dns.SRV{Hdr: hdr(instance, dns.TypeSRV), Port: 1, Target: host},
			&dns.TXT{Hdr: hdr(instance, dns.TypeTXT), Txt: s.text()},
			&dns.A{Hdr: hdr(host, dns.TypeA), A: net.ParseIP(addr)},
		},
	}
}

func TestResponderSeesNodesInAnswers(t *testing.T) {
	s := sighting{Fleet: "0123456789abcdef", Ref: Ref{"b", "00000002"}, Port: 8470}
	_, _, found := interpret(pack(t, answerOf(s, "b.local.", "10.0.0.2")), testSelf, testLink, false)
	s.Addrs = []netip.Addr{netip.MustParseAddr("10.0.0.2")}
	if diff := cmp.Diff([]sighting{s}, found, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Fatal(diff)
	}
	other := answerOf(s, "b.local.", "10.0.0.2")
	other.Extra[0].(*dns.SRV).Target = "c.local."
	if _, _, found := interpret(pack(t, other), testSelf, testLink, false); len(found) > 0 {
		t.Fatalf("an address of another host was taken: %v", found)
	}
}

func TestParseText(t *testing.T) {
	good := sighting{Fleet: "0123456789abcdef", Ref: Ref{"pi-1", "00000001"}, Port: 8470}
	if got, err := parseText(good.text()); err != nil || !cmp.Equal(good, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := parseText(append(good.text(), "future=1", "flag")); err != nil {
		t.Fatalf("keys it does not know: %v", err)
	}
	for _, tt := range []struct {
		name string
		txt  []string
	}{
		{"nothing", nil},
		{"another version", append([]string{"v=2"}, good.text()[1:]...)},
		{"no fleet", append([]string{"fleet="}, good.text()[2:]...)},
		{"an id with dots", []string{"v=1", "fleet=0123456789abcdef", "id=a.b", "boot=00000001", "port=1"}},
		{"port 0", []string{"v=1", "fleet=0123456789abcdef", "id=a", "boot=00000001", "port=0"}},
		{"port 65536", []string{"v=1", "fleet=0123456789abcdef", "id=a", "boot=00000001", "port=65536"}},
	} {
		if got, err := parseText(tt.txt); err == nil {
			t.Errorf("%s: parsed as %+v", tt.name, got)
		}
	}
}

func TestUsableAddresses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want []string
	}{
		{"IPv4 only when there is any", []string{"fe80::1", "10.0.0.1", "2001:db8::1"}, []string{"10.0.0.1"}},
		{"link-local IPv6 with a zone, last", []string{"fe80::1", "2001:db8::1"}, []string{"2001:db8::1", "fe80::1%eth0"}},
		{"none that cannot be dialled", []string{"0.0.0.0", "224.0.0.251", "ff02::fb", "::"}, nil},
		{"each once, given before link-local", []string{"169.254.1.1", "10.0.0.1", "::ffff:10.0.0.1"}, []string{"10.0.0.1", "169.254.1.1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var in []netip.Addr
			for _, a := range tt.in {
				in = append(in, netip.MustParseAddr(a))
			}
			var got []string
			for _, a := range usable(in, "eth0") {
				got = append(got, a.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func FuzzMDNSPacket(f *testing.F) {
	f.Add(pack(f, question("a.local.", dns.TypeA, dns.ClassINET)))
	f.Add(pack(f, browseQuestion([]string{"b"})))
	f.Add(pack(f, question("a."+serviceName, dns.TypeANY, dns.ClassINET)))
	f.Add(pack(f, answerOf(sighting{Fleet: "0123456789abcdef", Ref: Ref{"b", "00000002"}, Port: 8470}, "b.local.", "10.0.0.2")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, legacy := range []bool{false, true} {
			reply, _, found := interpret(raw, testSelf, testLink, legacy)
			if reply != nil {
				if answer, err := reply.Pack(); err == nil && len(answer) > 20*maxAnswers*8+len(raw)*2 {
					t.Fatalf("%d bytes are answered with %d", len(raw), len(answer))
				}
			}
			for _, s := range found {
				if err := s.Ref.check(); err != nil || s.Port == 0 || len(s.Addrs) == 0 || len(s.Addrs) > maxAddrs {
					t.Fatalf("found %+v", s)
				}
			}
		}
	})
}

func FuzzParseText(f *testing.F) {
	f.Add("v=1", "fleet=0123456789abcdef", "id=a", "boot=00000001", "port=8470")
	f.Fuzz(func(t *testing.T, a, b, c, d, e string) {
		s, err := parseText([]string{a, b, c, d, e})
		if err != nil {
			return
		}
		again, err := parseText(s.text())
		if err != nil || again.Ref != s.Ref || again.Port != s.Port {
			t.Fatalf("%+v became %+v, %v", s, again, err)
		}
	})
}
