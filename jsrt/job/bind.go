package job

import (
	"regexp"
	"slices"
	"strings"
)

// secretPrefix is how a binding to a secret begins in a complete job.
const secretPrefix = "secret:"

// laterBindings are the kinds of binding that the design has and this version does not.
var laterBindings = []string{"blobs", "kv", "stream"}

var secretName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// ValidSecret tells whether s can be a secret's name.
func ValidSecret(s string) bool { return secretName.MatchString(s) }

// Secrets are the secrets that the job binds: name in env -> name of the secret.
func (j Job) Secrets() map[string]string {
	var out map[string]string
	for name, kind := range j.Bind {
		if secret, ok := strings.CutPrefix(kind, secretPrefix); ok && ValidSecret(secret) {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = secret
		}
	}
	return out
}

// Binds tells whether the job binds a secret.
func (j Job) Binds(secret string) bool {
	for _, s := range j.Secrets() {
		if s == secret {
			return true
		}
	}
	return false
}

func (p *parser) bind(n node) map[string]string {
	var out map[string]string
	for name, v := range p.entries(n) {
		if !identifier.MatchString(name) || slices.Contains([]string{"out", "state", "kernels", "fpga", "node"}, name) {
			p.fail(v.path, "this name cannot be bound")
			continue
		}
		kind := p.text(v, "")
		if kind == "secret" {
			kind = secretPrefix + name
		}
		secret, isSecret := strings.CutPrefix(kind, secretPrefix)
		file, isFile := strings.CutPrefix(kind, "blob:")
		switch {
		case isSecret && !ValidSecret(secret):
			p.fail(v.path, "%q is not a secret's name: a letter, then letters, digits, _ and -, at most 64; write 'secret:NAME' for one that is not named as the variable", secret)
		case isSecret:
			if out == nil {
				out = map[string]string{}
			}
			out[name] = kind
		case isFile && file != "", slices.Contains(laterBindings, kind):
			p.fail(v.path, "%s is not there yet: a later version of Capo has it", kind)
		default:
			p.fail(v.path, "%q is not a binding: blobs, kv, stream, secret, secret:NAME or blob:FILE", kind)
		}
	}
	return out
}
