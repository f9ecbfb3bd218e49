// Package trust is who may speak in a fleet: the fleet's certificate authority, the certificates that
// nodes mint under it, the operators' keys, the bearer tokens that they sign, what was revoked, and the
// TLS settings that follow.
//
// The words. A fleet's [CA] stays with the operator. An image's join token is an [Intermediate] of path length
// zero: a node that has one makes a key in its memory and mints its own [Certificate]. An operator is an ed25519
// key; its owner authenticates by a certificate of that key, which needs no authority. A [Claims] token
// lets its bearer act in one role. An [Identity] is what any of these prove. An [Authority]
// is one process's view: whom it believes, and as whom it speaks.
//
// Certificates are valid from 1970 to 9999, since a board may not know the time: validity is ended by
// revoking, never by the clock.
package trust

import "errors"

// Why a credential is refused.
var (
	// ErrNoCredentials: nothing was shown.
	ErrNoCredentials = errors.New("no certificate and no token was shown")
	// ErrUnknownCA: a certificate that the fleet's CA does not stand behind.
	ErrUnknownCA = errors.New("certificate is not of this fleet's CA")
	// ErrOtherFleet: a credential of another fleet.
	ErrOtherFleet = errors.New("credential of another fleet")
	// ErrOtherID: a certificate for another id than the one that was expected.
	ErrOtherID = errors.New("certificate is for another id")
	// ErrRevoked: a credential that an operator took back.
	ErrRevoked = errors.New("revoked")
	// ErrExpired: a token after its time.
	ErrExpired = errors.New("token has expired")
	// ErrClock: a token with a time limit where the time is not known.
	ErrClock = errors.New("this node does not know the time yet, so it takes no token that expires; any command of an operator tells it")
	// ErrBadToken: a token that cannot be read or whose signature does not hold.
	ErrBadToken = errors.New("not a valid token")
	// ErrSigner: a token or certificate of a key that is no operator's.
	ErrSigner = errors.New("signer is not an operator of this fleet")
	// ErrRole: a credential of a role that may not do this.
	ErrRole = errors.New("role may not do this")
	// ErrUsed: a one-use token that was used.
	ErrUsed = errors.New("one-use token was used before")
)

var reasons = []struct {
	err    error
	reason string
}{
	{ErrRevoked, "revoked"}, {ErrNoCredentials, "no_credentials"}, {ErrOtherFleet, "other_fleet"}, {ErrOtherID, "other_id"},
	{ErrUnknownCA, "unknown_ca"}, {ErrExpired, "expired"}, {ErrClock, "clock"}, {ErrUsed, "used"}, {ErrSigner, "unknown_signer"}, {ErrRole, "role"}, {ErrBadToken, "bad_token"},
}

// Reason is the short name under which a refusal with err is counted, or "other".
func Reason(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	return "other"
}

// Reasons are the names that Reason gives, but for "other".
func Reasons() []string {
	names := make([]string, len(reasons))
	for i, r := range reasons {
		names[i] = r.reason
	}
	return names
}
