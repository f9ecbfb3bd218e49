package node

import (
	"fmt"
	"net/http"

	"github.com/capodekappa/capo/fleet/trust"
)

// maxSize bounds the size of a fleet that is formed anew.
const maxSize = 4096

// reform has this node leave its log for good and form another, at an operator's word. It is no control record, since there is no log
// to write it to.
func (n *Node) reform(w http.ResponseWriter, r *http.Request) {
	id, err := n.who(r)
	if err == nil && (id.Role != trust.RoleOperator || id.Token != "") { // a log's end wants the operator's key
		err = fmt.Errorf("%s and reform: %w", id, trust.ErrRole)
	}
	if err != nil {
		writeError(w, n.authority.Refuse(err))
		return
	}
	size, err := numberParam(r, "size")
	if err != nil || size < 1 || size > maxSize {
		writeError(w, badRequest{fmt.Errorf("size=%.20q: want 1 to %d", r.URL.Query().Get("size"), maxSize)})
		return
	}
	n.cfg.Log.Warn("an operator has this node form a new log", "by", id.String(), "size", size)
	n.agent.Reform(int(size))
	w.WriteHeader(http.StatusAccepted)
}
