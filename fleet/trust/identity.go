package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Role is what an identity may do.
type Role string

// The roles.
const (
	RoleNode     Role = "node"     // carries the log and runs jobs
	RoleOperator Role = "operator" // may do everything that needs no operator's signature, and that too with its own key
	RoleViewer   Role = "viewer"   // may look
	RoleCaller   Role = "caller"   // may call one job: its routes, its kernels, and append to its `in`
	RoleJoin     Role = "join"     // may enrol one node, once

	roleUnapproved Role = "unapproved" // what a node says of itself that has no certificate yet
)

// UnapprovedError is how a node appears that nobody has approved: by a certificate that it signed itself. It wraps ErrUnknownCA.
type UnapprovedError struct {
	ID   string
	Leaf *x509.Certificate
}

// Fingerprint is that of the node's key, as its console shows it.
func (e *UnapprovedError) Fingerprint() string { return Fingerprint(e.Leaf.RawSubjectPublicKeyInfo) }

// Error says who waits.
func (e *UnapprovedError) Error() string {
	return fmt.Sprintf("node %s is not approved (fingerprint %s)", e.ID, e.Fingerprint())
}

// Unwrap gives ErrUnknownCA.
func (e *UnapprovedError) Unwrap() error { return ErrUnknownCA }

// Identity is who has been authenticated.
type Identity struct {
	Role  Role
	ID    string // of a node; the fingerprint of an operator's key; the id of a token
	Job   string // of a caller
	Image string // of a node: the serial of the intermediate that signed its certificate
	Key   string // fingerprint of the public key, see Fingerprint
	Token string // id of the bearer token, or ""
}

// String names the identity for logs.
func (i Identity) String() string {
	switch {
	case i.Role == RoleCaller:
		return fmt.Sprintf("caller of %s (token %s)", i.Job, i.Token)
	case i.Token != "":
		return fmt.Sprintf("%s (token %s)", i.Role, i.Token)
	case i.Role == RoleNode:
		return "node " + i.ID
	}
	return fmt.Sprintf("%s %.16s", i.Role, i.ID)
}

// marks are the names under which the identity may have been revoked.
func (i Identity) marks() []string {
	var list []string
	add := func(kind, value string) {
		if value != "" {
			list = append(list, kind+":"+value)
		}
	}
	add("key", i.Key)
	add("image", i.Image)
	add("token", i.Token)
	if i.Role == RoleNode {
		add("node", i.ID)
	}
	return list
}

var markForm = regexp.MustCompile(`^(node:[a-z0-9][a-z0-9-]{0,47}|image:[0-9a-f]{16}|token:[0-9a-f]{16}|key:[0-9a-f]{64})$`)

// ValidMark tells whether s is the form of something that can be revoked: `node:ID`, `image:SERIAL` (16 hexadecimal digits),
// `token:ID` (16) or `key:FINGERPRINT` (64).
func ValidMark(s string) bool { return markForm.MatchString(s) }

// Fingerprint names a public key: the SHA-256 of its SubjectPublicKeyInfo in hexadecimal.
func Fingerprint(spki []byte) string {
	sum := sha256.Sum256(spki)
	return hex.EncodeToString(sum[:])
}

// FleetID is the id of the fleet with this CA: the first 8 bytes of its key's fingerprint.
func FleetID(ca *x509.Certificate) string { return Fingerprint(ca.RawSubjectPublicKeyInfo)[:16] }

const uriScheme = "capo"

// nodeIDForm is a DNS label, since ids stand in mDNS names, and what an id becomes a part of (subjects, permissions, names) must not be able to mean more than it.
var nodeIDForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$`)

// ValidID tells whether s can be a node's id.
func ValidID(s string) bool { return nodeIDForm.MatchString(s) }

// identityURI is the subject alternative name that says who a certificate speaks for: capo://FLEET/ROLE/ID.
func identityURI(fleet string, role Role, id string) *url.URL {
	return &url.URL{Scheme: uriScheme, Host: fleet, Path: "/" + string(role) + "/" + id}
}

func parseURI(cert *x509.Certificate) (fleet string, role Role, id string, err error) {
	if len(cert.URIs) != 1 || cert.URIs[0].Scheme != uriScheme {
		return "", "", "", fmt.Errorf("%w: it names nobody of a fleet", ErrUnknownCA)
	}
	u := cert.URIs[0]
	r, id, ok := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if !ok || !nodeIDForm.MatchString(id) {
		return "", "", "", fmt.Errorf("%w: it names %.80q", ErrUnknownCA, u.String())
	}
	return u.Host, Role(r), id, nil
}
