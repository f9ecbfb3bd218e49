package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
	"golang.org/x/term"
)

// passphraseVariable is where programs give the passphrase of a fleet's keys.
const passphraseVariable = "CAPO_PASSPHRASE"

// passphrase locks keys as the age tool does (age-encryption.org/v1, scrypt), so that they can be opened without capo too.
type passphrase struct {
	known string
}

// Seal encrypts a key under a passphrase that is asked for twice.
func (p *passphrase) Seal(plain []byte) ([]byte, error) {
	if p.known == "" {
		first, err := ask("Passphrase for the fleet's keys: ")
		if err != nil {
			return nil, err
		}
		if os.Getenv(passphraseVariable) == "" {
			second, err := ask("The same once more: ")
			if err != nil {
				return nil, err
			}
			if first != second {
				return nil, errors.New("the two passphrases differ")
			}
		}
		if len(first) < 8 {
			return nil, errors.New("a passphrase has at least 8 characters")
		}
		p.known = first
	}
	to, err := age.NewScryptRecipient(p.known)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Open decrypts a key.
func (p *passphrase) Open(sealed []byte) ([]byte, error) {
	if p.known == "" {
		text, err := ask("Passphrase of the fleet's keys: ")
		if err != nil {
			return nil, err
		}
		p.known = text
	}
	id, err := age.NewScryptIdentity(p.known)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	if err != nil {
		p.known = ""
		return nil, errors.New("the passphrase is wrong, or the key is damaged")
	}
	return io.ReadAll(io.LimitReader(r, 64<<10))
}

// ask reads a passphrase from the environment, or from the terminal without showing it.
func ask(question string) (string, error) {
	if text := os.Getenv(passphraseVariable); text != "" {
		return text, nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", fmt.Errorf("the fleet's keys are locked: there is no terminal to ask for the passphrase, and %s is not set", passphraseVariable)
	}
	fmt.Fprint(os.Stderr, question)
	text, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", fmt.Errorf("read the passphrase: %w", err)
	}
	return string(text), nil
}
