package cmdline

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// IP is the parameter ip= of Linux (Documentation/admin-guide/nfs/nfsroot.rst):
//
//	ip=<client>:<server>:<gateway>:<netmask>:<hostname>:<device>:<autoconf>:<dns0>:<dns1>:<ntp0>
//	ip=<autoconf>
//
// The server is NFS's and is ignored. The zero value means DHCP, then link-local, on every interface.
type IP struct {
	// Off means that no IPv4 address is asked for or made up (ip=off, ip=none).
	Off bool
	// Address is the static address with its prefix, if it is valid. It is for Device, or for the first interface
	// with a carrier if Device is empty.
	Address netip.Prefix
	// Gateway is the default router, if it is valid.
	Gateway netip.Addr
	// Hostname is the host name to take, if it is not empty.
	Hostname string
	// Device is the only interface that is configured with IPv4, if it is not empty.
	Device string
	// DNS and NTP are servers to ask.
	DNS []netip.Addr
	NTP []netip.Addr
}

// ParseIP reads the value of ip=.
func ParseIP(text string) (IP, error) {
	if !strings.Contains(text, ":") {
		off, err := autoconf(text)
		return IP{Off: off}, err
	}
	fields := strings.Split(text, ":")
	if len(fields) > 10 {
		return IP{}, errors.New("more than ten fields")
	}
	fields = append(fields, make([]string, 10-len(fields))...)
	p := IP{Hostname: strings.ToLower(fields[4]), Device: fields[5]}
	if err := p.static(fields[0], fields[3], fields[2]); err != nil {
		return IP{}, err
	}
	off, err := autoconf(fields[6])
	if err != nil {
		return IP{}, err
	}
	p.Off = off && !p.Address.IsValid()
	if p.Hostname != "" && !IsLabel(p.Hostname) {
		return IP{}, fmt.Errorf("host name %q is not a DNS label", p.Hostname)
	}
	if strings.ContainsAny(p.Device, "/ ") || len(p.Device) > 15 {
		return IP{}, fmt.Errorf("%q is no name of an interface", p.Device)
	}
	if p.DNS, err = servers(fields[7:9]); err != nil {
		return IP{}, fmt.Errorf("DNS server: %w", err)
	}
	if p.NTP, err = servers(fields[9:10]); err != nil {
		return IP{}, fmt.Errorf("NTP server: %w", err)
	}
	return p, nil
}

// static reads the address, netmask and gateway; each may be empty.
func (p *IP) static(client, netmask, gateway string) error {
	if client != "" {
		addr, err := ipv4(client)
		if err != nil {
			return err
		}
		bits, err := prefixBits(netmask, addr)
		if err != nil {
			return err
		}
		p.Address = netip.PrefixFrom(addr, bits)
	}
	if gateway != "" {
		addr, err := ipv4(gateway)
		if err != nil {
			return fmt.Errorf("gateway: %w", err)
		}
		p.Gateway = addr
	}
	return nil
}

// prefixBits reads a netmask, or takes that of the address's class, as Linux does.
func prefixBits(netmask string, addr netip.Addr) (int, error) {
	if netmask == "" {
		switch first := addr.As4()[0]; {
		case first < 128:
			return 8, nil
		case first < 192:
			return 16, nil
		default:
			return 24, nil
		}
	}
	mask, err := ipv4(netmask)
	if err != nil {
		return 0, fmt.Errorf("netmask: %w", err)
	}
	bits := 0
	b := mask.As4()
	m := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	for m&(1<<31) != 0 {
		bits++
		m <<= 1
	}
	if m != 0 {
		return 0, fmt.Errorf("netmask %s has a hole", netmask)
	}
	return bits, nil
}

// autoconf reads the protocol. BOOTP and RARP are long gone; DHCP answers what asks for them.
func autoconf(text string) (off bool, err error) {
	switch text {
	case "", "dhcp", "on", "any", "both", "bootp", "rarp":
		return false, nil
	case "off", "none":
		return true, nil
	}
	return false, fmt.Errorf("autoconfiguration %q is not off, none, on, any or dhcp", text)
}

func servers(fields []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, f := range fields {
		if f == "" {
			continue
		}
		addr, err := ipv4(f)
		if err != nil {
			return nil, err
		}
		out = append(out, addr)
	}
	return out, nil
}

func ipv4(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		return netip.Addr{}, fmt.Errorf("%q is no IPv4 address", text)
	}
	return addr, nil
}
