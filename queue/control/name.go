package control

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
)

var (
	digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
	streamForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{0,63}$`)
)

// Digest names bytes: their SHA-256 in lower-case hexadecimal.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// ValidDigest tells whether s has the form of a digest.
func ValidDigest(s string) bool { return digestForm.MatchString(s) }

// ValidStream tells what is wrong with the name of a user stream, or nil.
func ValidStream(name string) error {
	if !streamForm.MatchString(name) {
		return fmt.Errorf("stream name %q: want 1 to 64 of a-z 0-9 . _ @ -, beginning with a letter or digit", name)
	}
	return nil
}

// ValidTarget tells whether s can be a record's target, such as a job's name.
func ValidTarget(s string) bool { return targetForm.MatchString(s) }
