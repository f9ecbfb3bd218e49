package node

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// errInURL is for a token where logs and histories would keep it.
var errInURL = errors.New("a token has no place in a URL, where logs and histories keep it: use the header Authorization: Bearer …; revoke that one")

// tokenForm is what the beginning of a token looks like, wherever it stands.
var tokenForm = regexp.MustCompile(`capo\.[A-Za-z0-9_-]{40}`)

// tokenParams are the parameters that other systems take tokens by.
var tokenParams = []string{"token", "access_token", "auth_token", "authorization", "bearer"}

// withoutTokens refuses requests that carry a token in their URL.
func (n *Node) withoutTokens(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tokenInURL(r.URL) {
			n.refusals.Count("token_in_url")
			writeProblem(w, http.StatusBadRequest, errInURL.Error(), 0)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tokenInURL finds a token in a path or query, escaped or not, and parameters that are meant for one.
func tokenInURL(u *url.URL) bool {
	query := u.RawQuery
	if plain, err := url.QueryUnescape(query); err == nil {
		query = plain
	}
	if u.User != nil || tokenForm.MatchString(u.Path) || tokenForm.MatchString(query) {
		return true
	}
	for name := range u.Query() {
		if slices.Contains(tokenParams, strings.ToLower(name)) {
			return true
		}
	}
	return false
}
