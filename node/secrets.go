package node

import (
	"crypto/hpke"
	"sync"
	"sync/atomic"

	"github.com/capodekappa/capo/node/seal"
)

// secrets is what a node holds of its fleet's secrets, in memory alone. How they come to it and who gets them is told in
// docs/decisions/secrets.md.
type secrets struct {
	key    hpke.PrivateKey // made at boot, gone with it
	redact atomic.Pointer[redactor]

	mu   sync.Mutex // guards what follows
	log  string     // the incarnation that they are secrets of
	held map[string]heldSecret
	uses map[*secretUse]struct{}
}

// heldSecret is a secret that was opened.
type heldSecret struct {
	generation uint64
	key        []byte // of its record
	value      string
}

// secretUse is what one job was given: it stays redacted until the job has ended, even if the secret is another one by then.
type secretUse struct{ values map[string]string } // by the secret's name

func newSecrets() (*secrets, error) {
	key, err := seal.NewKey()
	if err != nil {
		return nil, err
	}
	s := &secrets{key: key, held: map[string]heldSecret{}, uses: map[*secretUse]struct{}{}}
	s.redact.Store(&redactor{})
	return s, nil
}

// enter forgets what is of another log.
func (s *secrets) enter(log string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log != log {
		s.log = log
		clear(s.held)
		s.refresh()
	}
}

func (s *secrets) hold(name string, h heldSecret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.generation >= s.held[name].generation {
		s.held[name] = h
		s.refresh()
	}
}

// find returns a secret of this generation, if it is held.
func (s *secrets) find(name string, generation uint64) (heldSecret, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.held[name]
	return h, ok && h.generation == generation
}

// forgetOlder forgets a secret unless it is of this generation.
func (s *secrets) forgetOlder(name string, generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h, ok := s.held[name]; ok && h.generation < generation {
		delete(s.held, name)
		s.refresh()
	}
}

// forgetUnused forgets what no job on this node was given.
func (s *secrets) forgetUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	used := map[string]bool{}
	for u := range s.uses {
		for name := range u.values {
			used[name] = true
		}
	}
	n := len(s.held)
	for name := range s.held {
		if !used[name] {
			delete(s.held, name)
		}
	}
	if len(s.held) != n {
		s.refresh()
	}
}

// use notes that a job has these values, until done is called.
func (s *secrets) use(values map[string]string) (done func()) {
	if len(values) == 0 {
		return func() {}
	}
	u := &secretUse{values}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses[u] = struct{}{}
	s.refresh()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.uses, u)
		s.refresh()
	}
}

// clean replaces the values of secrets in a text that leaves the node.
func (s *secrets) clean(text string) string { return s.redact.Load().clean(text) }

// refresh makes the redactor for what is known now; mu is held.
func (s *secrets) refresh() {
	known := map[string]map[string]bool{} // value -> names
	add := func(name, value string) {
		if known[value] == nil {
			known[value] = map[string]bool{}
		}
		known[value][name] = true
	}
	for name, h := range s.held {
		add(name, h.value)
	}
	for u := range s.uses {
		for name, value := range u.values {
			add(name, value)
		}
	}
	s.redact.Store(newRedactor(known))
}
