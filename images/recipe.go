package images

import (
	"context"
	"fmt"
)

// Recipe finds what a recipe of buildroot makes, in the cache or in a dist folder, or builds it, and returns the folder
// that holds it.
func (s *Source) Recipe(_ context.Context, name string) (string, error) {
	return "", fmt.Errorf("there is no recipe %q", name)
}
