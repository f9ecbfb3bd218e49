package netup

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// setServers takes note of the servers that came with a lease.
func (m *Manager) setServers(index int, l lease) {
	m.mu.Lock()
	if l.address.IsValid() {
		m.servers[index] = l
	} else {
		delete(m.servers, index)
	}
	m.mu.Unlock()
	if err := m.writeResolvConf(); err != nil {
		m.log.Warn("name servers", "err", err)
	}
}

// writeResolvConf writes what Go's resolver reads. With no name server it names one that refuses at once, or else Go
// would take one on this machine that does not exist either.
func (m *Manager) writeResolvConf() error {
	if m.resolv == "" {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock() // two leases can come at once
	servers := slices.Clone(m.ip.DNS)
	for _, l := range m.servers {
		servers = append(servers, l.dns...)
	}
	path := m.resolv
	if err := os.WriteFile(path+".new", []byte(resolvConf(servers)), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// resolvConf formats resolv.conf(5), which takes three servers.
func resolvConf(servers []netip.Addr) string {
	slices.SortFunc(servers, netip.Addr.Compare)
	servers = slices.Compact(servers)
	var b strings.Builder
	b.WriteString("options timeout:1 attempts:2\n")
	for _, s := range servers[:min(3, len(servers))] {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	return b.String()
}
