package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/capodekappa/capo/jsrt/cell"
)

// parseLabels reads what node.label is given: an object whose values are texts, or null for a label to remove; or the
// text k=v, k- for one to remove.
func parseLabels(arg cell.Value) (map[string]*string, error) {
	change := map[string]*string{}
	switch arg.Kind {
	case cell.Text:
		k, v, set := strings.Cut(string(arg.Data), "=")
		if bare, remove := strings.CutSuffix(k, "-"); !set && remove {
			change[bare] = nil
		} else if set {
			change[k] = &v
		} else {
			return nil, fmt.Errorf("%.80q is neither k=v nor k- (which removes k)", arg.Data)
		}
	case cell.JSON:
		if err := json.Unmarshal(arg.Data, &change); err != nil || change == nil {
			return nil, errors.New("the labels are an object of texts, as { site: 'lab' }; null removes one")
		}
	default:
		return nil, errors.New("wants labels: { site: 'lab' } or 'site=lab'")
	}
	if len(change) == 0 {
		return nil, errors.New("names no label")
	}
	return change, nil
}
