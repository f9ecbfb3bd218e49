package compile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/capodekappa/capo/buildroot"
)

// format changes when this package makes something else of the same inputs.
const format = "1"

// inputsKey is a digest of all that goes into a result but the compiler.
func inputsKey(r buildroot.Recipe, sourceSum string) (string, error) {
	inputs, err := r.Inputs()
	if err != nil {
		return "", err
	}
	r.Notes = nil
	return digest([]any{format, r, sourceSum, inputs})
}

// compilerKey is a digest of a compiler's version.
func compilerKey(version string) string {
	sum := sha256.Sum256([]byte(version))
	return hex.EncodeToString(sum[:4])
}

func digest(v any) (string, error) {
	text, err := json.Marshal(v) // the keys of maps are sorted
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

// compilerVersion is what the compiler and the linker say of themselves.
func compilerVersion(ctx context.Context, cross string) (string, error) {
	var version strings.Builder
	for _, program := range []string{"gcc", "ld"} {
		cmd := exec.CommandContext(ctx, "env", cross+program, "--version")
		cmd.Env = environment()
		out, err := cmd.Output()
		if errors.Is(err, exec.ErrNotFound) || cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 127 {
			return "", fmt.Errorf("%w: %s%s; `capo doctor --install --for build` installs them", ErrTools, cross, program)
		}
		if err != nil {
			return "", fmt.Errorf("ask %s%s for its version: %w", cross, program, err)
		}
		first, _, _ := strings.Cut(string(out), "\n")
		version.WriteString(first + "\n")
	}
	return version.String(), nil
}
